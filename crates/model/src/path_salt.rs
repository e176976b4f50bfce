//! What fingerprints of paths are made with, so that nobody outside can prepare two paths with one.

use std::sync::Arc;

use alloy_primitives::keccak256;

use crate::Secret;

/// A salt of one installation. Without one, everybody can work out the fingerprint of a path.
#[derive(Debug, Clone, Default)]
pub struct PathSalt(Option<Arc<Secret<String>>>);

impl PathSalt {
    /// The salt with this text; an empty one is none.
    pub fn new(text: Secret<String>) -> Self {
        Self((!text.reveal().is_empty()).then(|| Arc::new(text)))
    }

    /// What goes in front of a path's bytes.
    pub fn bytes(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |text| text.reveal().as_bytes())
    }

    /// Tells one salt from another and betrays neither: `None` when there is none. What was judged or
    /// learned under one salt says nothing under another.
    pub fn mark(&self) -> Option<String> {
        let text = self.0.as_ref()?;
        let hash = keccak256([b"mark of a salt of paths\0", text.reveal().as_bytes()].concat());
        Some(hex::encode(&hash[..4]))
    }
}

impl PartialEq for PathSalt {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for PathSalt {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_salt_has_a_mark_that_is_its_own_and_never_prints() {
        let salt = |text: &str| PathSalt::new(Secret::new(text.to_owned()));
        assert_eq!(salt("").mark(), None);
        assert_ne!(salt("a").mark(), salt("b").mark());
        assert_eq!(salt("a").mark().map(|mark| mark.len()), Some(8));
        assert!(!format!("{:?}", salt("grains of salt")).contains("grains"));
    }
}
