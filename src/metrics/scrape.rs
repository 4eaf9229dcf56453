//! One scrape: what was counted, with the values that were read for it.

use std::fmt;
use std::sync::atomic::Ordering;

use prometheus_client::encoding::prometheus_text;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::metrics::{Metrics, dropped_log_lines};

/// The media type of [`Scrape::text`].
pub const MEDIA_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// The values of a scrape. One that is not known is left out.
#[derive(Debug, Default)]
pub struct Scrape(Registry);

type FloatGauge = Gauge<f64, std::sync::atomic::AtomicU64>;

impl Scrape {
    /// Adds a value, if it is known.
    pub fn add(&mut self, name: &str, help: &str, value: Option<f64>) {
        if let Some(value) = value {
            let gauge = FloatGauge::default();
            gauge.set(value);
            self.0.register(name, help, gauge);
        }
    }

    /// Adds the values of a label.
    pub fn add_each(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        values: impl IntoIterator<Item = (&'static str, f64)>,
    ) {
        let gauges = Family::<[(&'static str, &'static str); 1], FloatGauge>::default();
        for (of, value) in values {
            gauges.get_or_create(&[(label, of)]).set(value);
        }
        self.0.register(name, help, gauges);
    }

    /// The values, and what `metrics` has counted, in Prometheus's text format.
    ///
    /// # Errors
    /// None: a text takes all that is written to it.
    pub fn text(&self, metrics: &Metrics) -> Result<String, fmt::Error> {
        let dropped = &metrics.0.dropped_log_lines;
        dropped.inner().store(dropped_log_lines(), Ordering::Relaxed);
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.0)?;
        prometheus_text::encode(&mut text, &metrics.0.registry)?;
        Ok(text)
    }
}
