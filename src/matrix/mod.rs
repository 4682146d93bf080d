//! Matrix IDs, their grammar and the error codes of the client-server API. The lowest room: it knows nobody.

mod errcode;
mod grammar;
mod id;
mod per_kind;
mod server_name;

pub use errcode::ErrCode;
pub use grammar::{
    LocalpartGrammar, MAX_ALIAS_CHARS, MAX_USER_ID_CHARS, is_historical, is_registrable, localpart_grammar,
    registrable_localpart,
};
pub use id::{IdError, Kind, MAX_ID_BYTES, MatrixId, split_user_id, user_id};
pub use per_kind::PerKind;
pub use server_name::{ServerName, ServerNameError};
