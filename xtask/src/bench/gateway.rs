//! What the gateway adds to a call.

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::numbers::{Figure, median, percentile};
use super::{Bed, probe};
use crate::product::text;

const PER_SECOND: u32 = 100;
const REQUESTS: u32 = 500;
const NAME: &str = "behind";

pub(super) fn measure(bed: &Bed<'_>) -> Result<Vec<Figure>> {
    let product = bed.product("gateway");
    let resident = product.serve()?;
    let folder = bed.places.root.join("examples/agents/greeter");
    let words = [
        "deploy",
        &folder.to_string_lossy(),
        "--name",
        NAME,
        "--runtime",
        "process",
    ];
    let deployed = product.ask(&words)?;
    let status = product.status()?;
    let services = format!("{}/services", text(&status, "admin")?.trim_end_matches('/'));
    let through = text(&deployed, "url")?.to_owned();
    let client = probe::client();
    let routes: Value = client.get(&services).call()?.body_mut().read_json()?;
    let route = routes
        .as_array()
        .and_then(|routes| routes.iter().find(|route| route["name"] == NAME));
    let direct = text(
        route.context("the gateway has no route to the agent")?,
        "upstream",
    )?
    .to_owned();

    // Both connections and the agent's own caches.
    probe::paced(&client, &direct, PER_SECOND, 100)?;
    probe::paced(&client, &through, PER_SECOND, 100)?;
    let (mut direct_times, mut through_times) = (Vec::new(), Vec::new());
    for url in [
        &direct, &through, &through, &direct, &direct, &through, &through, &direct,
    ] {
        let times = probe::paced(&client, url, PER_SECOND, REQUESTS)?;
        if url == &direct {
            direct_times.extend(times);
        } else {
            through_times.extend(times);
        }
    }
    product.ask(&["rm", NAME, "--yes"])?;
    drop(resident);
    let (near, far) = (median(&direct_times), median(&through_times));
    let (near_tail, far_tail) = (
        percentile(&direct_times, 0.99),
        percentile(&through_times, 0.99),
    );
    Ok(vec![
        Figure::new("gateway: added at the median", far - near, "ms")
            .at_most(0.3)
            .note(format!(
                "{far:.2} ms through, {near:.2} ms direct, {PER_SECOND} requests/s, order swapped"
            )),
        Figure::new("gateway: added at p99", far_tail - near_tail, "ms").note(format!(
            "{far_tail:.2} ms through, {near_tail:.2} ms direct"
        )),
    ])
}
