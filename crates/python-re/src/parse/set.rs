use super::charset::{Member, distinct};
use super::escape::{SetEscape, set_escape};
use super::tokens::{Result, Token, Tokens};
use crate::error::{PatternError, PatternErrorKind};

/// Parses a set whose opening bracket has been taken: its members, each once, and whether it is of all others.
pub(super) fn set(tokens: &mut Tokens) -> Result<(Vec<Member>, bool)> {
    let here = tokens.tell() - 1;
    let negated = tokens.take('^')?;
    let mut members = Vec::new();
    loop {
        let this = tokens.get()?;
        if this == Some(Token::Char(']')) && !members.is_empty() {
            break;
        }
        let this = this.ok_or_else(|| unterminated(tokens, here))?;
        let start = member(tokens, this)?;
        if !tokens.take('-')? {
            members.push(start);
            continue;
        }
        let that = tokens.get()?.ok_or_else(|| unterminated(tokens, here))?;
        if that == Token::Char(']') {
            members.extend([start, Member::Literal('-'.into())]);
            break;
        }
        let end = member(tokens, that)?;
        match (start, end) {
            (Member::Literal(low), Member::Literal(high)) if low <= high => members.push(Member::Range(low, high)),
            _ => {
                let range = PatternErrorKind::BadRange(format!("{this}-{that}"));
                return Err(tokens.error(range, this.len() + 1 + that.len()));
            }
        }
    }
    Ok((distinct(members), negated))
}

fn member(tokens: &mut Tokens, token: Token) -> Result<Member> {
    Ok(match token {
        Token::Char(c) => Member::Literal(c.into()),
        Token::Escape(c) => match set_escape(tokens, c)? {
            SetEscape::Literal(c) => Member::Literal(c),
            SetEscape::Category { category, negated } => Member::Category { category, negated },
        },
    })
}

fn unterminated(tokens: &Tokens, here: usize) -> PatternError {
    tokens.error(PatternErrorKind::UnterminatedSet, tokens.tell() - here)
}
