//! The account at the authority: a key, which is stored, and an e-mail address.

use instant_acme::{Account, AccountCredentials, NewAccount};
use serde::{Deserialize, Serialize};

use crate::app::certificate::acme_folder::AcmeFolder;
use crate::config::acme::AcmeConfig;
use crate::http::acme::client::AcmeClient;
use crate::http::acme::error::AcmeError;

/// The account in its file.
#[derive(Serialize, Deserialize)]
struct StoredAccount {
    email: Option<String>,
    credentials: AccountCredentials,
}

/// The stored account, or a new one where there is none or it is damaged.
pub(crate) async fn open(
    folder: &AcmeFolder,
    config: &AcmeConfig,
    client: &AcmeClient,
) -> Result<Account, AcmeError> {
    let Some(text) = blocking(folder, |folder| folder.account()).await? else {
        return create(folder, config, client).await;
    };
    let damage = match serde_json::from_str::<StoredAccount>(&text) {
        Ok(stored) => match restore(stored, folder, config, client).await {
            Err(AcmeError::Authority(
                error @ (instant_acme::Error::KeyRejected | instant_acme::Error::Crypto),
            )) => error.to_string(),
            Err(error) if error.is_unknown_account() => error.to_string(),
            other => return other,
        },
        Err(error) => error.to_string(),
    };
    tracing::warn!(damage, "the ACME account cannot be used; another one is made");
    create(folder, config, client).await
}

async fn restore(
    stored: StoredAccount,
    folder: &AcmeFolder,
    config: &AcmeConfig,
    client: &AcmeClient,
) -> Result<Account, AcmeError> {
    let builder = Account::builder_with_http(Box::new(client.clone()));
    if stored.email == config.email {
        return Ok(builder.from_credentials(stored.credentials).await?);
    }
    let mut text = serde_json::to_value(&stored).map_err(instant_acme::Error::from)?;
    let account = builder.from_credentials(stored.credentials).await?;
    let contact = contact(config);
    account.update_contacts(&contact.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    text["email"] = config.email.clone().into();
    let text = text.to_string();
    blocking(folder, move |folder| folder.write_account(&text)).await?;
    Ok(account)
}

/// A new account, in place of the one that is stored.
pub(crate) async fn create(
    folder: &AcmeFolder,
    config: &AcmeConfig,
    client: &AcmeClient,
) -> Result<Account, AcmeError> {
    let contact = contact(config);
    let new = NewAccount {
        contact: &contact.iter().map(String::as_str).collect::<Vec<_>>(),
        // Who sets FASTCORE_ACME_DOMAINS agrees to them, as docs/configuration.md says.
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let builder = Account::builder_with_http(Box::new(client.clone()));
    let (account, credentials) = builder.create(&new, config.directory.clone(), None).await?;
    let stored = StoredAccount { email: config.email.clone(), credentials };
    let text = serde_json::to_string(&stored).map_err(instant_acme::Error::from)?;
    blocking(folder, move |folder| folder.write_account(&text)).await?;
    Ok(account)
}

fn contact(config: &AcmeConfig) -> Vec<String> {
    config.email.iter().map(|email| format!("mailto:{email}")).collect()
}

/// Reads or writes files on a thread for blocking work: a disk that hangs must not keep requests waiting.
pub(crate) async fn blocking<T: Send + 'static>(
    folder: &AcmeFolder,
    work: impl FnOnce(&AcmeFolder) -> std::io::Result<T> + Send + 'static,
) -> Result<T, AcmeError> {
    let folder = folder.clone();
    let done = tokio::task::spawn_blocking(move || work(&folder)).await;
    Ok(done.map_err(|_| AcmeError::Ended)??)
}
