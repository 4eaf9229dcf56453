//! Whether leads can be stored now, by the writer's last proof; costs no I/O.

use super::App;

/// Why leads cannot be stored now; `None` while they can.
#[must_use]
pub fn obstacle(app: &App) -> Option<String> {
    app.health.obstacle()
}
