//! `#[derive(Record)]` for tslog; what it does is told at `tslog::Record`.
//!
//! The code it writes names nothing but `::core` and `::tslog::Record`, needs no heap and cannot
//! panic.

use proc_macro2::{Literal, Span, TokenStream};
use quote::quote_spanned;
use syn::{Data, DeriveInput, Error, Expr, Field, Fields, Ident, Lit, LitStr, Result, Type};

/// Implements `tslog::Record` for a struct with named fields.
///
/// The fields are of `u8` to `u64`, `i8` to `i64`, `f32`, `f64`, `bool` or `[u8; N]`, where `N` is
/// a
/// number. `#[record(name = "...")]` and `#[record(unit = "...")]` on a field say what tools show.
#[proc_macro_derive(Record, attributes(record))]
pub fn derive_record(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(Error::into_compile_error).into()
}

/// One field of the struct, and one value of the record.
struct Column<'a> {
    ident: &'a Ident,
    name: String,
    unit: String,
    kind: Kind,
}

/// What a field is, as its type says.
enum Kind {
    /// `?`, one byte.
    Bool,
    /// `Ns`.
    Bytes(u32),
    /// A number: its type, its code, its size in bytes.
    Number(Ident, char, u32),
}

fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let columns = columns(input)?;
    let mut format = String::from("<");
    let mut fields = String::new();
    let mut size: u32 = 0;
    for column in &columns {
        let bytes = match column.kind {
            Kind::Bool => {
                format.push('?');
                1
            }
            Kind::Bytes(length) => {
                format.extend([length.to_string().as_str(), "s"]);
                length
            }
            Kind::Number(_, code, bytes) => {
                format.push(code);
                bytes
            }
        };
        let too_long = || Error::new(column.ident.span(), "a record is smaller than 4 GiB");
        size = size.checked_add(bytes).ok_or_else(too_long)?;
        if !fields.is_empty() {
            fields.push(',');
        }
        fields.push_str(&column.name);
        if !column.unit.is_empty() {
            fields.push(':');
            fields.push_str(&column.unit);
        }
    }
    let size = Literal::u32_unsuffixed(size);
    let ident = &input.ident;
    let packs = columns.iter().map(pack);
    let unpacks = columns.iter().map(unpack);
    // Names of this span cannot meet those of the caller, and lints know that nobody wrote them.
    Ok(quote_spanned! {Span::mixed_site()=>
        #[automatically_derived]
        impl ::tslog::Record for #ident {
            const FORMAT: &'static ::core::primitive::str = #format;
            const FIELDS: &'static ::core::primitive::str = #fields;
            const SIZE: ::core::primitive::usize = #size;

            fn pack(&self, out: &mut [::core::primitive::u8]) {
                #(#packs)*
                let _ = out;
            }

            fn unpack(bytes: &[::core::primitive::u8]) -> Self {
                fn take<const N: ::core::primitive::usize>(
                    bytes: &mut &[::core::primitive::u8],
                ) -> [::core::primitive::u8; N] {
                    if let ::core::option::Option::Some((taken, rest)) = bytes.split_first_chunk() {
                        *bytes = rest;
                        *taken
                    } else {
                        *bytes = &[];
                        [0; N]
                    }
                }
                let mut bytes = bytes;
                Self { #(#unpacks),* }
            }
        }
    })
}

/// The statements that write one field into the first bytes of `out`, and step over them.
fn pack(column: &Column<'_>) -> TokenStream {
    let ident = column.ident;
    let bytes = match &column.kind {
        Kind::Bool => {
            quote_spanned! {Span::mixed_site()=> [::core::primitive::u8::from(self.#ident)]}
        }
        Kind::Bytes(_) => quote_spanned! {Span::mixed_site()=> self.#ident},
        Kind::Number(number, ..) => quote_spanned! {Span::mixed_site()=>
            ::core::primitive::#number::to_le_bytes(self.#ident)
        },
    };
    quote_spanned! {Span::mixed_site()=>
        let ::core::option::Option::Some((place, out)) = out.split_first_chunk_mut() else {
            return;
        };
        *place = #bytes;
    }
}

/// The field of a struct expression that takes its value from the first of `bytes`.
fn unpack(column: &Column<'_>) -> TokenStream {
    let ident = column.ident;
    match &column.kind {
        Kind::Bool => quote_spanned! {Span::mixed_site()=> #ident: take::<1>(&mut bytes) != [0]},
        Kind::Bytes(_) => quote_spanned! {Span::mixed_site()=> #ident: take(&mut bytes)},
        Kind::Number(number, ..) => quote_spanned! {Span::mixed_site()=>
            #ident: ::core::primitive::#number::from_le_bytes(take(&mut bytes))
        },
    }
}

/// The fields of the struct, or all that is wrong with them.
fn columns(input: &DeriveInput) -> Result<Vec<Column<'_>>> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(&input.ident, "a record is a struct, not an enum or union"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new_spanned(
            &input.ident,
            "a record has fields with names: write `struct Reading { time: u64 }`",
        ));
    };
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &input.generics,
            "a record has one format, and so no type, lifetime or const parameters",
        ));
    }
    if let Some(attribute) =
        input.attrs.iter().find(|attribute| attribute.path().is_ident("record"))
    {
        return Err(Error::new_spanned(attribute, "`record(...)` belongs on a field"));
    }
    if fields.named.is_empty() {
        return Err(Error::new_spanned(&input.ident, "a record has at least one field"));
    }
    let mut columns: Vec<Column<'_>> = Vec::new();
    let mut errors: Option<Error> = None;
    for read in fields.named.iter().map(column) {
        let checked = read.and_then(|column| {
            if columns.iter().any(|before| before.name == column.name) {
                return Err(Error::new_spanned(column.ident, "two fields have this name"));
            }
            Ok(column)
        });
        match (checked, &mut errors) {
            (Ok(column), _) => columns.push(column),
            (Err(error), Some(errors)) => errors.combine(error),
            (Err(error), None) => errors = Some(error),
        }
    }
    errors.map_or(Ok(columns), Err)
}

fn column(field: &Field) -> Result<Column<'_>> {
    let Some(ident) = &field.ident else {
        return Err(Error::new_spanned(field, "a record has fields with names"));
    };
    let (mut name, mut unit) = (None, None);
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("record")) {
        attribute.parse_nested_meta(|meta| {
            let place = if meta.path.is_ident("name") {
                &mut name
            } else if meta.path.is_ident("unit") {
                &mut unit
            } else {
                return Err(meta.error("expected `name = \"...\"` or `unit = \"...\"`"));
            };
            if place.is_some() {
                return Err(meta.error("this is said twice"));
            }
            *place = Some(shown_text(&meta.value()?.parse()?)?);
            Ok(())
        })?;
        if let Some(name) = &name
            && (name.is_empty() || name.contains(':'))
        {
            return Err(Error::new_spanned(attribute, "a name is not empty and has no colon"));
        }
    }
    let name = name.unwrap_or_else(|| ident.to_string().trim_start_matches("r#").to_owned());
    Ok(Column { ident, name, unit: unit.unwrap_or_default(), kind: kind(&field.ty)? })
}

/// The text of `literal`, if the list of fields can hold it.
fn shown_text(literal: &LitStr) -> Result<String> {
    let text = literal.value();
    if text.contains(|letter: char| letter == ',' || letter.is_control()) || text.trim() != text {
        let why = "no comma, no control character, and no space at an end";
        return Err(Error::new_spanned(literal, why));
    }
    Ok(text)
}

fn kind(ty: &Type) -> Result<Kind> {
    const EXPECTED: &str =
        "a record takes u8 to u64, i8 to i64, f32, f64, bool and [u8; N], by these names";
    // A type that came through another macro is wrapped.
    if let Type::Group(group) = ty {
        return kind(&group.elem);
    }
    if let Type::Array(array) = ty
        && matches!(kind(&array.elem), Ok(Kind::Number(_, 'B', _)))
    {
        if let Expr::Lit(length) = &array.len
            && let Lit::Int(length) = &length.lit
        {
            return length.base10_parse().map(Kind::Bytes);
        }
        let why = "write the length as a number: it is part of the format";
        return Err(Error::new_spanned(&array.len, why));
    }
    let refuse = |why| Err(Error::new_spanned(ty, why));
    let Type::Path(path) = ty else {
        return refuse(EXPECTED);
    };
    let (None, Some(last)) = (&path.qself, path.path.segments.last()) else {
        return refuse(EXPECTED);
    };
    let (code, size) = match last.ident.to_string().as_str() {
        "bool" => return Ok(Kind::Bool),
        "u8" => ('B', 1),
        "u16" => ('H', 2),
        "u32" => ('I', 4),
        "u64" => ('Q', 8),
        "i8" => ('b', 1),
        "i16" => ('h', 2),
        "i32" => ('i', 4),
        "i64" => ('q', 8),
        "f32" => ('f', 4),
        "f64" => ('d', 8),
        "usize" | "isize" => {
            return refuse("this has another size on another machine: write u32, u64, i32 or i64");
        }
        _ => return refuse(EXPECTED),
    };
    Ok(Kind::Number(last.ident.clone(), code, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_record_is_refused_with_a_reason() {
        for (source, why) in [
            ("enum E { A }", "a record is a struct"),
            ("union U { a: u8 }", "a record is a struct"),
            ("struct T(u8);", "fields with names"),
            ("struct T;", "fields with names"),
            ("struct S {}", "at least one field"),
            ("struct S<T> { a: T }", "no type, lifetime or const parameters"),
            ("struct S<'a> { a: &'a u8 }", "no type, lifetime or const parameters"),
            ("struct S<const N: usize> { a: [u8; N] }", "const parameters"),
            ("#[record(unit = \"s\")] struct S { a: u8 }", "belongs on a field"),
            ("struct S { a: String }", "a record takes u8 to u64"),
            ("struct S { a: u128 }", "a record takes u8 to u64"),
            ("struct S { a: &'static str }", "a record takes u8 to u64"),
            ("struct S { a: [u16; 2] }", "a record takes u8 to u64"),
            ("struct S { a: <A as B>::u8 }", "a record takes u8 to u64"),
            ("struct S { a: usize }", "another size on another machine"),
            ("struct S { a: [u8; LEN] }", "write the length as a number"),
            ("struct S { a: [u8; 4294967296] }", "too large"),
            ("struct S { a: [u8; 4294967295], b: u8 }", "smaller than 4 GiB"),
            ("struct S { #[record(units = \"s\")] a: u8 }", "expected `name"),
            ("struct S { #[record(unit = 1)] a: u8 }", "expected string literal"),
            ("struct S { #[record] a: u8 }", "expected attribute arguments"),
            ("struct S { #[record(unit = \"s\", unit = \"s\")] a: u8 }", "said twice"),
            ("struct S { #[record(name = \"\")] a: u8 }", "not empty"),
            ("struct S { #[record(name = \"a:b\")] a: u8 }", "no colon"),
            ("struct S { #[record(name = \"a,b\")] a: u8 }", "no comma"),
            ("struct S { #[record(unit = \" s\")] a: u8 }", "no space at an end"),
            ("struct S { #[record(unit = \"\\t\")] a: u8 }", "no control character"),
            ("struct S { a: u8, #[record(name = \"a\")] b: u8 }", "two fields have this name"),
        ] {
            let input = syn::parse_str(source).unwrap();
            let error = expand(&input).map(|code| code.to_string()).unwrap_err().to_string();
            assert!(error.contains(why), "{source}: {error}");
        }
    }

    #[test]
    fn every_bad_field_is_named_at_once() {
        let input = syn::parse_str("struct S { a: char, b: u8, c: usize }").unwrap();
        let error = expand(&input).map(|code| code.to_string()).unwrap_err();
        assert_eq!(error.into_iter().count(), 2);
    }
}
