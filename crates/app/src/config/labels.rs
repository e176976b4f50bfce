//! `labels/*`: what is known about addresses. A file's name is the set's name.

use registry::{Category, IMPORTED_ENDING, LabelFile, Labels};

use super::{
    folder::stem,
    mistake::{Mistake, SourceFile},
    table::Collector,
};

/// Reads every list; a row that cannot be read is a mistake, because a list of one's own that is
/// half read would be trusted whole.
pub(super) fn labels(files: &[SourceFile], out: &Collector) -> Labels {
    let mut builder = Labels::builder();
    for file in files {
        let mut of = LabelFile::new(&file.path, stem(&file.path));
        of.category = Category::from_list_word(stem(&file.path));
        let imported = match file.path.rsplit('.').next() {
            _ if file.path.ends_with(IMPORTED_ENDING) => builder.import_own(&of, &file.text),
            Some("csv") => builder.import_csv(&of, &file.text),
            Some("json") => builder.import_json(&of, &file.text),
            _ => builder.import_text(&of, &file.text),
        };
        match imported {
            Ok(imported) => {
                for row in &imported.rejected {
                    let mut mistake = Mistake::in_file(&row.file, row.reason.clone());
                    mistake.line = Some(row.line);
                    out.add(mistake);
                }
                if imported.more_rejected > 0 {
                    let more = imported.more_rejected;
                    out.add(Mistake::in_file(
                        &file.path,
                        format!("{more} more rows cannot be read"),
                    ));
                }
            }
            Err(error) => out.add(Mistake::in_file(&file.path, error.to_string())),
        }
    }
    builder.build()
}
