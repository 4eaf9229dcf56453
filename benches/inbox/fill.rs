//! Fills a database with many realistic leads, through the writer itself.

use std::path::Path;

use fastcore::app::migrate;
use fastcore::clock::Clock;
use fastcore::domain::lead::NewLead;
use fastcore::domain::lead::status::LeadStatus;
use fastcore::metrics::Metrics;
use fastcore::store;
use fastcore::store::db::lock::ServerLock;
use fastcore::store::leads::submit::SubmitOutcome;
use fastcore::store::read::ReadPool;
use serde_json::json;
use uuid::Uuid;

const FIRST: [&str; 16] = [
    "Jean",
    "Marie",
    "Zoé",
    "François",
    "Hélène",
    "Luc",
    "Anaïs",
    "Noël",
    "Chloé",
    "Yves",
    "Inès",
    "Gérard",
    "Maëlle",
    "Paul",
    "Nathalie",
    "Étienne",
];
const LAST: [&str; 20] = [
    "Lefèvre", "Martin", "Bernard", "Dubois", "Thomas", "Robert", "Richard", "Petit", "Durand",
    "Leroy", "Moreau", "Simon", "Laurent", "Michel", "Garcia", "Bertrand", "Roux", "Vincent",
    "Fournier", "Guérin",
];
const TROUBLE: [&str; 12] = [
    "notre compresseur à vis ne démarre plus",
    "le pont roulant de 5 tonnes s'arrête en pleine charge",
    "la cabine de peinture n'aspire plus correctement",
    "le sécheur frigorifique affiche un défaut",
    "l'armoire électrique du palan disjoncte",
    "nous cherchons un contrat de maintenance annuel",
    "il faut remplacer les filtres de nos deux cabines",
    "le variateur du chariot est en défaut depuis lundi",
    "les compresseurs perdent de la pression la nuit",
    "nous voulons un devis pour un pont de 10 tonnes",
    "le câble du treuil est à changer avant la visite périodique",
    "une fuite d'huile sous le réservoir nous inquiète",
];
const WHEN: [&str; 6] = [
    "cette semaine",
    "dès que possible",
    "avant vendredi",
    "le mois prochain",
    "sans urgence",
    "demain matin si vous pouvez",
];
const SERVICES: [Option<&str>; 6] =
    [Some("ponts"), Some("cabines"), Some("compresseurs"), Some("diagnostic"), Some("autre"), None];

/// The n-th lead, the same at each run except for its `request_id`.
pub(super) fn lead(n: u64) -> String {
    let mut seed = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut pick = |most: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % most as u64).expect("an index")
    };
    let (first, last) = (FIRST[pick(16)], LAST[pick(20)]);
    // One person sends a hundredth of all leads.
    let person =
        if n.is_multiple_of(100) { "habitue".to_owned() } else { format!("contact{}", pick(50)) };
    let company = if n.is_multiple_of(100) { 0 } else { pick(40_000) };
    let phone = pick(100_000_000);
    let message = format!(
        "Bonjour, {} dans notre atelier n° {}. Pouvez-vous passer {} ? Nous sommes ouverts de {} h à 17 h, \
         demandez {last} à l'accueil. Merci d'avance, cordialement, référence {}.",
        TROUBLE[pick(12)],
        pick(30),
        WHEN[pick(6)],
        6 + pick(4),
        pick(1_000_000)
    );
    json!({
        "name": format!("{first} {last}"),
        "email": format!("{person}@atelier-{company}.example.fr"),
        "phone": format!("+336{phone:08}"),
        "company": format!("Ateliers {last} {company}"),
        "service": SERVICES[pick(6)],
        "message": message,
        "consent": true,
        "meta": {
            "source": "fast-techservices.com",
            "request_id": Uuid::new_v4().to_string(),
            "ip_hash": format!("{:064x}", n),
            "user_agent_hash": format!("{:064x}", pick(1000)),
            "timestamp_utc": "2026-01-03T10:30:45.123456Z",
        }
    })
    .to_string()
}

/// Creates a database of `leads` leads with its search index; a twentieth of the leads keeps the
/// status `received`, and of 1,000 leads nobody has opened `unopened`.
pub(super) fn fill(database: &Path, leads: u64, unopened: u64) {
    let clock = Clock::system();
    let lock = ServerLock::take(database).expect("the lock");
    migrate::prepare(database, &clock, "cli:bench", &lock).expect("a schema");
    let (writer, thread, _) = store::writer::start_server_writer(
        database,
        &clock,
        0,
        &Metrics::default(),
        store::writer::batch::CompletedBatch::notify,
    )
    .expect("a writer");
    let mut n = 0;
    while n < leads {
        let batch: Vec<_> = (n..leads.min(n + 500))
            .map(|n| {
                let lead = NewLead::parse(lead(n).as_bytes()).expect("a lead");
                let work = move |tx: &mut store::tx::WriteTx<'_>| {
                    if let SubmitOutcome::Created(stored) =
                        store::leads::submit::submit(tx, &lead, None)?
                    {
                        if n % 1000 >= unopened {
                            store::leads::view::record_view(tx, &stored.lead_id, "staff:bench")?;
                        }
                        let to = match n % 20 {
                            0 => return Ok(()),
                            1 => LeadStatus::Processing,
                            2..5 => LeadStatus::Resolved,
                            _ => LeadStatus::Archived,
                        };
                        store::leads::status::set_status(tx, &stored.lead_id, to, "cli:bench")?;
                    }
                    Ok(())
                };
                writer.submit(work).expect("room")
            })
            .collect();
        n += batch.len() as u64;
        for answer in batch {
            answer.blocking_recv().expect("an answer").expect("stored");
        }
        if n % 100_000 < 500 {
            eprintln!("{n} leads");
        }
    }
    let readers = ReadPool::open(database).expect("readers");
    while readers.read(|s| s.search_lag()).expect("a number") > 0 {
        writer
            .run(|tx| store::search::index::index_next(tx, 4096, std::time::Duration::MAX))
            .expect("a step");
    }
    // As a server does by itself.
    while writer.run(store::search::index::merge_next).expect("a step") {}
    writer.close();
    thread.join();
}
