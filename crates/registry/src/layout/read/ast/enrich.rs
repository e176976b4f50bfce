//! A layout, with what the syntax tree adds to it.

use alloy_primitives::U256;
use serde_json::Value;

use super::{Program, id, kind, name, nodes, tag, types};
use crate::layout::{
    namespace::is_known_form,
    read::ReadError,
    storage::{Layout, Shape},
};

/// Adds annotations, values of enums, underlying types and namespaces. `listed` is the layout as
/// the compiler wrote it, with the ids of the declarations.
pub(in crate::layout::read) fn enrich(
    layout: &mut Layout,
    listed: &Value,
    program: &Program<'_>,
    file: &str,
    contract: &str,
) -> Result<(), ReadError> {
    annotate(layout, listed, program);
    tell_types(layout, program);
    let has_namespaces_already = !layout.namespaces.is_empty();
    if has_namespaces_already {
        return Ok(());
    }
    let Some(contract) = program.contract(file, contract) else {
        return Ok(());
    };
    let (lineage, missing) = program.lineage(contract);
    for base in &lineage {
        for structure in nodes(base).filter(|node| kind(node) == "StructDefinition") {
            let documentation = program.documentation(structure);
            let Some(location) = tag(&documentation, "@custom:storage-location") else { continue };
            let mut fields = types::members(program, structure, &mut layout.types, 0)?;
            for field in &mut fields {
                field.contract = name(base).to_owned();
            }
            if !is_known_form(location) {
                layout.unknown.push(format!(
                    "the namespace {location} is of no known form, so where it lies is not known"
                ));
            }
            layout.namespaces.insert(location.to_owned(), fields);
        }
    }
    if missing > 0 {
        let (plural, verb) = if missing == 1 { ("", "is") } else { ("s", "are") };
        layout.unknown.push(format!(
            "the source of {missing} inherited contract{plural} {verb} not in this file, so namespaces and \
             annotations there are not seen; build info has them"
        ));
    }
    Ok(())
}

fn annotate(layout: &mut Layout, listed: &Value, program: &Program<'_>) {
    let listed = listed.get("storage").and_then(Value::as_array);
    for (field, listed) in layout.variables.iter_mut().zip(listed.into_iter().flatten()) {
        let declared = listed
            .get("astId")
            .and_then(Value::as_i64)
            .and_then(|id| program.declaration(id))
            .filter(|node| name(node) == field.label);
        let Some(declared) = declared else { continue };
        let documentation = program.documentation(declared);
        let said = |of: &str| tag(&documentation, of).map(str::to_owned);
        field.renamed_from = field.renamed_from.take().or_else(|| said("@custom:oz-renamed-from"));
        field.retyped_from = field.retyped_from.take().or_else(|| said("@custom:oz-retyped-from"));
        field.source = field.source.take().or_else(|| program.place(declared));
        // solc names the most derived contract; who declares it is what people look for.
        if let Some(owner) = id(declared).and_then(|id| program.owners.get(&id)) {
            field.contract = (*owner).to_owned();
        }
    }
}

/// Values of enums and what underlies user-defined types, which solc's layout leaves out.
fn tell_types(layout: &mut Layout, program: &Program<'_>) {
    let silent: Vec<String> = layout
        .types
        .0
        .iter()
        .filter(|(_, t)| matches!(t.shape, Shape::Enum(None) | Shape::UserDefined(None)))
        .map(|(id, _)| id.clone())
        .collect();
    for type_id in silent {
        let number = type_id.rsplit(')').next().and_then(|digits| digits.parse::<i64>().ok());
        let Some(declared) = number.and_then(|id| program.declaration(id)) else { continue };
        let shape = match kind(declared) {
            "EnumDefinition" => Shape::Enum(Some(types::enum_values(declared))),
            "UserDefinedValueTypeDefinition" => {
                let under = declared.get("underlyingType");
                // An underlying type is elementary, so this neither recurses nor fails.
                let Ok(under) = types::type_of(program, under, &mut layout.types, 0) else {
                    continue;
                };
                Shape::UserDefined(Some(under))
            }
            _ => continue,
        };
        if let Some(listed) = layout.types.0.get_mut(&type_id) {
            listed.shape = shape;
            listed.bytes = listed.bytes.or(Some(U256::ONE).filter(
                |_| matches!(&listed.shape, Shape::Enum(Some(values)) if values.len() <= 256),
            ));
        }
    }
}
