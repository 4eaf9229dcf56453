//! The lead that benchmarks send.

use super::serve::TOKEN;

/// A lead's request, and the position of its `request_id`.
pub(super) fn lead_request() -> (Vec<u8>, usize) {
    const ID: &str = "00000000-0000-0000-0000-000000000000";
    let message = "Bonjour, notre pont roulant de 5 tonnes s'arrête en pleine charge depuis lundi et \
                   l'armoire affiche un défaut de variateur. Pouvez-vous passer cette semaine ? \
                   L'atelier est ouvert de 7 h à 17 h, demandez M. Lefèvre à l'accueil.";
    let body = format!(
        r#"{{"name":"Jean-François Lefèvre","email":"jf.lefevre@ateliers-example.fr","phone":"+33612345678","company":"Ateliers Lefèvre SAS","service":"ponts","message":"{message}","consent":true,"meta":{{"source":"fast-techservices.com","request_id":"{ID}","ip_hash":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","user_agent_hash":"60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752","timestamp_utc":"2026-01-03T10:30:45.123456Z"}}}}"#
    );
    let head = format!(
        "POST /inbound/leads HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let request = [head, body].concat();
    let id_at = request.find(ID).expect("an id");
    (request.into_bytes(), id_at)
}
