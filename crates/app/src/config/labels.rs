//! `labels/*`: what people know about addresses. A file's name is the set's name.
