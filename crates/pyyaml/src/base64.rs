//! `!!binary`: which texts `base64.decodebytes` takes.

/// Whether Python decodes the text; it passes over all that is not base64.
pub(super) fn is_valid(text: &str) -> bool {
    if !text.is_ascii() {
        return false;
    }
    let (mut quad, mut pads) = (0_u8, 0_u8);
    for byte in text.bytes() {
        match byte {
            b'=' if quad >= 2 => {
                pads += 1;
                if quad + pads >= 4 {
                    return true;
                }
            }
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => {
                pads = 0;
                quad = (quad + 1) % 4;
            }
            _ => {}
        }
    }
    quad == 0
}

/// Whether what comes out is empty: no complete byte went in.
pub(super) fn is_empty(text: &str) -> bool {
    let data = text.bytes().filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')).count();
    data < 2
}
