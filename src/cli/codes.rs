//! The codes that `check` prints, as they are written on the command line.

use crate::analysis::Code;
use crate::registration::{FaultCode, nearest};

/// What `check` prints in brackets.
#[derive(Clone, Copy, Debug)]
pub(super) enum AnyCode {
    /// Of a file that loads.
    Finding(Code),
    /// Of a file that does not.
    Fault(FaultCode),
}

impl AnyCode {
    /// The code as it is printed.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Finding(code) => code.as_str(),
            Self::Fault(code) => code.as_str(),
        }
    }

    /// The page that explains it, in Markdown.
    pub(super) const fn page(self) -> &'static str {
        match self {
            Self::Finding(code) => code.page(),
            Self::Fault(code) => code.page(),
        }
    }

    /// Where that page is in the documentation.
    pub(super) fn page_path(self) -> String {
        match self {
            Self::Finding(code) => format!("findings/{code}.md"),
            Self::Fault(code) => format!("faults/{}.md", code.as_str()),
        }
    }

    /// What it says at its head: what the code means, in one paragraph.
    pub(super) fn description(self) -> String {
        let paragraph = self.page().split("\n\n").nth(1).unwrap_or_default();
        paragraph.replace('\n', " ").trim_end().to_owned()
    }

    /// Every code.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        Code::ALL.iter().copied().map(Self::Finding).chain(FaultCode::ALL.map(Self::Fault))
    }
}

/// Any code that `check` prints.
pub(super) fn any(text: &str) -> Result<AnyCode, String> {
    let known = || AnyCode::all().map(AnyCode::as_str).collect::<Vec<_>>();
    AnyCode::all().find(|code| code.as_str() == text).ok_or_else(|| unknown(text, &known(), "there is no such code"))
}

/// The code of a finding, for an option that weighs findings: a fault weighs what it weighs.
pub(super) fn of_finding(text: &str) -> Result<Code, String> {
    match any(text) {
        Ok(AnyCode::Finding(code)) => Ok(code),
        Ok(AnyCode::Fault(code)) => Err(format!(
            "a file with the fault `{}` is not loaded, which is an error in any case: findings alone are allowed or denied",
            code.as_str()
        )),
        Err(_) => Err(unknown(text, &findings().collect::<Vec<_>>(), "there is no such code of a finding")),
    }
}

/// The codes of findings.
pub(super) fn findings() -> impl Iterator<Item = &'static str> {
    Code::ALL.iter().map(|code| code.as_str())
}

fn unknown(text: &str, known: &[&str], what: &str) -> String {
    match nearest(text, known) {
        Some(meant) => format!("{what}: did you mean `{meant}`?"),
        None => format!("{what}; there are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_is_none_leads_to_the_one_that_was_meant() {
        let why = |text: &str| any(text).expect_err(text);
        assert!(why("exclusive-conflic").contains("did you mean `exclusive-conflict`?"));
        assert!(why("sintax").contains("did you mean `syntax`?"));
        assert!(why("nothing of the kind").contains("there are nothing-found, exclusive-conflict"));
        assert!(of_finding("dead_entry").expect_err("none").contains("did you mean `dead-entry`?"));
        assert!(matches!(any("syntax"), Ok(AnyCode::Fault(FaultCode::Syntax))));
        for fault in FaultCode::ALL {
            let why = of_finding(fault.as_str()).expect_err("a fault");
            assert!(why.contains("is not loaded, which is an error in any case"), "{why}");
        }
        for &finding in Code::ALL {
            assert_eq!(of_finding(finding.as_str()), Ok(finding));
        }
    }
}
