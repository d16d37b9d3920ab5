//! What every backend promises. Another backend passes by one more `backend!` line.

mod documents;
mod events;
mod leases;
mod logs;
mod queue;

/// Runs every case against the backend that `$open` gives; it gives none where its server cannot be had.
macro_rules! backend {
    ($name:ident, $open:path) => {
        mod $name {
            backend!(@cases $open; documents:
                puts_hold_to_the_expected_version
                a_record_made_anew_does_not_accept_the_old_version
                listings_are_ordered_and_paged_both_ways
                records_of_a_kind_with_an_order_are_listed_by_it
                children_are_listed_and_deleted_by_their_parent
                a_batch_is_applied_whole_or_not_at_all
                values_beyond_their_limit_are_refused
            );
            backend!(@cases $open; events:
                seqs_are_consecutive_over_concurrent_commits
                a_place_beyond_the_end_is_a_gap
                a_feed_replays_and_then_follows_without_loss
                each_change_of_a_job_is_told_in_order
            );
            backend!(@cases $open; queue:
                a_job_runs_from_enqueue_to_result
                a_key_or_id_is_accepted_once
                jobs_of_one_subject_run_one_after_the_other
                a_job_is_not_claimed_before_its_time
                retries_end_in_a_dead_letter_that_can_be_queued_again
                a_failure_without_retry_is_final
                cancelling_depends_on_how_far_the_job_is
                jobs_are_listed_newest_first_by_state_and_subject
                concurrent_workers_never_share_a_job
                waiting_for_work_ends_when_there_is_some
                waiting_for_the_end_gives_the_job
            );
            backend!(@cases $open; leases:
                an_expired_lease_hands_the_job_on_and_fences_the_old_worker
                heartbeats_keep_the_lease
                a_lost_lease_refuses_the_whole_batch
                a_dead_process_gives_its_jobs_back_at_once
                a_job_that_kills_its_workers_becomes_a_dead_letter
            );
            backend!(@cases $open; logs:
                lines_are_numbered_and_read_from_any_place
                a_full_log_drops_its_oldest_lines
                waiting_for_a_line_ends_with_the_line_or_the_job
            );
        }
    };
    (@cases $open:path; $area:ident: $($case:ident)*) => {
        mod $area {
            $(
                #[tokio::test]
                async fn $case() {
                    if let Some(place) = $open().await {
                        crate::contract::$area::$case(&place).await;
                    }
                }
            )*
        }
    };
}

backend!(sqlite, crate::place::sqlite);
backend!(mongo, crate::place::mongo);
backend!(mongo_and_redis, crate::place::mongo_and_redis);
