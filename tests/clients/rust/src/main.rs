//! openapi-generator's rust: sends a lead, and reads what is wrong with another.

use std::env::var;

use openapi::apis::Error;
use openapi::apis::configuration::Configuration;
use openapi::apis::leads_api::{SendLeadError, send_lead};
use openapi::models::{LeadMeta, LeadRequest};

fn lead(name: &str) -> LeadRequest {
    let meta = LeadMeta::new(
        "fast-techservices.com".to_owned(),
        uuid::Uuid::new_v4(),
        "abc123def456".to_owned(),
        "2026-01-03T10:30:45Z".parse().expect("a time"),
    );
    let message = "Mon compresseur ne démarre plus depuis hier.".to_owned();
    LeadRequest::new(name.to_owned(), "zoe@example.com".to_owned(), message, true, meta)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let configuration = Configuration {
        base_path: var("FASTCORE_URL").expect("an address"),
        bearer_access_token: Some(var("FASTCORE_TOKEN").expect("a token")),
        ..Configuration::default()
    };
    let stored = send_lead(&configuration, lead("Zoé Dupont")).await.expect("it is stored");
    assert!(stored.receipt.contains(':'), "{stored:?}");

    let refused = send_lead(&configuration, lead("J")).await;
    let Err(Error::ResponseError(response)) = refused else { panic!("{refused:?}") };
    assert_eq!(response.status, 422);
    let Some(SendLeadError::Status422(error)) = response.entity else { panic!("{response:?}") };
    assert_eq!(error.detail[0].loc, ["body", "name"]);
    assert_eq!(error.detail[0].msg, "String should have at least 2 characters");
}
