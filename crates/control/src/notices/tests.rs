mod making;
mod over_the_api;
