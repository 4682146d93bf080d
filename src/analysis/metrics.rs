use std::time::Duration;

use prometheus::{Histogram, IntGaugeVec};

use super::{Code, Findings, Severity, Wanted};
use crate::telemetry::{Metrics, signed};

/// How many findings there are, and how long it took to find them.
#[derive(Debug)]
pub struct AnalysisMetrics {
    findings: IntGaugeVec,
    seconds: Histogram,
}

impl AnalysisMetrics {
    /// Takes its place among a service's metrics.
    #[must_use]
    pub fn register(metrics: &Metrics) -> Self {
        Self {
            findings: metrics.gauges(
                "bailiwick_findings",
                "Findings about the set in force, by severity and code.",
                &["severity", "code"],
            ),
            seconds: metrics.durations(
                "bailiwick_findings_duration_seconds",
                "Time that the findings for a set took.",
                &[1e-3, 5e-3, 25e-3, 0.1, 0.5, 1.0, 5.0, 30.0],
            ),
        }
    }

    /// The findings for the set in force are there.
    pub fn found(&self, findings: &Findings, took: Duration) {
        for &code in Code::ALL {
            for severity in Severity::ALL {
                let count = findings.count(Wanted { severity: Some(severity), code: Some(code) });
                self.findings.with_label_values(&[severity.as_str(), code.as_str()]).set(signed(count));
            }
        }
        self.seconds.observe(took.as_secs_f64());
    }
}
