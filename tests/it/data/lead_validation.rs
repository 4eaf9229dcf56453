//! What each field of a lead accepts and refuses: a row is a change to a valid lead and its
//! outcome.

use serde_json::{Value, json};

pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) change: Change,
    pub(crate) outcome: Outcome,
}

/// What is done to a valid lead; values are JSON text, so that they can be what no writer makes.
pub(crate) enum Change {
    Set(&'static str, String),
    Remove(&'static str),
    /// Members put after the last one of the lead.
    Add(String),
    /// Members put after the last one of `meta`.
    AddToMeta(String),
    /// Another body.
    Whole(Vec<u8>),
}

#[derive(Debug)]
pub(crate) enum Outcome {
    /// Stored, with this in that field and everything else as it was.
    Stored(&'static str, Value),
    /// Stored as if nothing had been changed.
    Unchanged,
    /// A 422 with exactly these field errors: type, and place under `body`.
    FieldErrors(Vec<(&'static str, String)>),
    /// A 400.
    NotJson,
}

/// All the rows.
pub(crate) fn rows() -> Vec<Row> {
    let mut table = Table(Vec::new());
    name(&mut table.field("name"));
    email_accepted(&mut table.field("email"));
    email_refused(&mut table.field("email"));
    email_lengths(&mut table.field("email"));
    phone(&mut table.field("phone"));
    company(&mut table.field("company"));
    service(&mut table.field("service"));
    message(&mut table.field("message"));
    consent(&mut table.field("consent"));
    source(&mut table.field("meta.source"));
    request_id(&mut table.field("meta.request_id"));
    ip_hash(&mut table.field("meta.ip_hash"));
    user_agent_hash(&mut table.field("meta.user_agent_hash"));
    time_accepted(&mut table.field("meta.timestamp_utc"));
    time_refused(&mut table.field("meta.timestamp_utc"));
    wrong_types(&mut table);
    missing(&mut table);
    one_line_controls(&mut table);
    not_text(&mut table);
    unknown_fields(&mut table);
    repeated_keys(&mut table);
    whole_bodies(&mut table);
    table.0
}

const REQUIRED_TEXTS: [&str; 6] =
    ["name", "email", "message", "meta.source", "meta.request_id", "meta.ip_hash"];
const OPTIONAL_TEXTS: [&str; 4] = ["phone", "company", "service", "meta.user_agent_hash"];
const TIME: &str = "meta.timestamp_utc";

/// Every code point that Unicode calls white space, less what JSON text cannot show.
const WHITE_SPACE: &str = "\t\n\u{b}\u{c}\r \u{85}\u{a0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\
    \u{2004}\u{2005}\u{2006}\u{2007}\u{2008}\u{2009}\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}";

fn name(field: &mut Field<'_>) {
    field.refuses("empty", "", "string_too_short");
    field.refuses("one character", "A", "string_too_short");
    field.refuses("one emoji of four bytes", "🚗", "string_too_short");
    field.refuses("one character in white space", "   A \t ", "string_too_short");
    field.refuses("nothing but white space of every kind", WHITE_SPACE, "string_too_short");
    field.takes("two characters", "Al");
    field.takes("two emoji", "🚗🔧");
    field.takes("a letter and a combining mark", "e\u{301}");
    field.takes("79 characters", &"n".repeat(79));
    field.takes("80 characters", &"n".repeat(80));
    field.refuses("81 characters", &"n".repeat(81), "string_too_long");
    field.takes("80 emoji", &"🚗".repeat(80));
    field.refuses("81 emoji", &"🚗".repeat(81), "string_too_long");
    field.takes("40 letters with combining marks", &"e\u{301}".repeat(40));
    field.refuses("41 letters with combining marks", &"e\u{301}".repeat(41), "string_too_long");
    field.takes("a family of seven code points", "👨‍👩‍👧‍👦");
    field.stores(
        "white space of every kind around it",
        &format!("{WHITE_SPACE}Jean{WHITE_SPACE}"),
        "Jean",
    );
    field.stores(
        "80 characters in white space",
        &format!("  {}\n", "n".repeat(80)),
        &"n".repeat(80),
    );
    field.takes("white space inside", "Jean  Le\u{a0}Goff");
    field.takes("Chinese", "王小明");
    field.takes("Arabic", "محمد بن علي");
    field.takes("Greek", "Ωραίος Νίκος");
    field.takes("accents composed", "Zoë Éléonore");
    field.takes("accents decomposed, left as they are", "Zoe\u{308}");
    field.takes("an apostrophe and quotes", r#"O'Neill "Bob" \ Jr"#);
    field.takes("what would be SQL", "Robert'); DROP TABLE lead_inbox;--");
    field.takes("what would be HTML", "<script>alert(1)</script>");
    field.takes("what would be a formula", "=1+1");
    field.takes("the word null", "null");
    field.takes("a zero-width joiner", "ab\u{200d}cd");
    field.takes("a noncharacter", "ab\u{fffe}");
    field.stores_raw("escapes", r#""J\u0065an \uD83D\uDE97 \/""#, json!("Jean 🚗 /"));
}

fn email_accepted(field: &mut Field<'_>) {
    for address in [
        "a@b.fr",
        "jean.dupont@example.com",
        "jean+fast@example.com",
        "jean_dupont@example.com",
        "-jean-@example.com",
        "!#$%&'*+-/=?^_`{|}~@example.com",
        "123@example.com",
        "jean@sub.domain.example.co.uk",
        "jean@my-host.example.com",
        "jean@123.com",
        "jean@1-2.fr",
        "jean@a--b.com",
        "jean@ab--cd.com",
        "jean@xn--mller-kva.de",
        "jean@example.xn--p1ai",
        "jean@müller.de",
        "jean@exämple.例え",
        "jean@пример.рф",
        "jean@straße.de",
        "élodie@example.com",
        "用户@例子.广告",
        "अजय@डाटा.भारत",
        "🚗@example.com",
    ] {
        field.takes(address, address);
    }
    field.stores("the domain in upper case", "Jean.DUPONT@EXAMPLE.Com", "Jean.DUPONT@example.com");
    field.stores("an IDN in upper case", "Jean@MÜLLER.DE", "Jean@müller.de");
    field.stores("a punycode domain in upper case", "j@XN--MLLER-KVA.DE", "j@xn--mller-kva.de");
    field.stores("an IDN with full-width letters", "j@ｅxample.com", "j@example.com");
    field.stores("an IDN with an ideographic full stop", "j@例子。广告", "j@例子.广告");
    field.stores("an IDN in decomposed letters", "j@mu\u{308}ller.de", "j@müller.de");
    field.stores("white space around it", " \t jean@example.com\r\n", "jean@example.com");
    field.stores(
        "a no-break space around it",
        "\u{a0}jean@example.com\u{3000}",
        "jean@example.com",
    );
    field.takes("a label of 63", &format!("j@{}.fr", "a".repeat(63)));
}

fn email_refused(field: &mut Field<'_>) {
    for (what, address) in [
        ("empty", ""),
        ("blank", "   "),
        ("no @", "jean.example.com"),
        ("nothing but an @", "@"),
        ("nothing before the @", "@example.com"),
        ("nothing after the @", "jean@"),
        ("two @", "jean@dupont@example.com"),
        ("two @ in a row", "jean@@example.com"),
        ("a domain without a dot", "jean@localhost"),
        ("a domain that starts with a dot", "jean@.example.com"),
        ("a domain that ends with a dot", "jean@example.com."),
        ("two dots in a row in the domain", "jean@example..com"),
        ("a name that starts with a dot", ".jean@example.com"),
        ("a name that ends with a dot", "jean.@example.com"),
        ("two dots in a row in the name", "jean..dupont@example.com"),
        ("a label that starts with a hyphen", "jean@-example.com"),
        ("a label that ends with a hyphen", "jean@example-.com"),
        ("an underscore in the domain", "jean@exam_ple.com"),
        ("a space in the name", "jean dupont@example.com"),
        ("a space in the domain", "jean@exam ple.com"),
        ("a space before the @", "jean @example.com"),
        ("a no-break space in the name", "jean\u{a0}dupont@example.com"),
        ("a quoted name", "\"jean dupont\"@example.com"),
        ("a quoted name without need", "\"jean\"@example.com"),
        ("an IPv4 literal", "jean@[127.0.0.1]"),
        ("an IPv6 literal", "jean@[IPv6:::1]"),
        ("a bare IPv4 address", "jean@127.0.0.1"),
        ("a bare IPv4 address in full width", "jean@１２７.０.０.１"),
        ("a top-level domain of digits", "jean@example.123"),
        ("a display name", "Jean <jean@example.com>"),
        ("angle brackets", "<jean@example.com>"),
        ("a comment", "jean(travail)@example.com"),
        ("a comment in the domain", "jean@example.com(fr)"),
        ("two addresses", "jean@example.com,paul@example.com"),
        ("two addresses with a semicolon", "jean@example.com;paul@example.com"),
        ("mailto:", "mailto:jean@example.com"),
        ("a backslash", "jean\\dupont@example.com"),
        ("a colon in the name", "jean:dupont@example.com"),
        ("a port", "jean@example.com:25"),
        ("a path", "jean@example.com/x"),
        ("a percent sign in the domain", "jean@exam%70le.com"),
        ("a right-to-left override in the name", "jean\u{202e}moc@example.com"),
        ("a right-to-left isolate in the name", "jean\u{2067}@example.com"),
        ("a left-to-right mark in the name", "je\u{200e}an@example.com"),
        ("a zero-width space in the name", "je\u{200b}an@example.com"),
        ("a zero-width joiner in the name", "je\u{200d}an@example.com"),
        ("a word joiner in the name", "je\u{2060}an@example.com"),
        ("a byte order mark in front", "\u{feff}jean@example.com"),
        ("a right-to-left override in the domain", "jean@exam\u{202e}ple.com"),
        ("a left-to-right and a right-to-left letter in one label", "jean@aא.com"),
        ("punycode that is none", "jean@xn--a-.com"),
        ("punycode of nothing", "jean@xn--.com"),
        ("an emoji of no domain's alphabet after a bad hyphen", "jean@-é.com"),
    ] {
        field.refuses(what, address, "value_error");
    }
    for (what, address) in [
        ("a line break inside", "jean@example.com\nbcc: x@example.com"),
        ("a tab inside", "je\tan@example.com"),
        ("an escape character", "je\u{1b}an@example.com"),
        ("a delete character", "je\u{7f}an@example.com"),
        ("a line separator", "je\u{2028}an@example.com"),
    ] {
        field.refuses(what, address, "string_control_character");
    }
    field.refuses("a NUL inside", "je\0an@example.com", "string_nul");
}

fn email_lengths(field: &mut Field<'_>) {
    let local = |n: usize| "l".repeat(n);
    let domain = |n: usize| format!("{}.fr", ["d".repeat(20), "e".repeat(n - 24)].join("."));
    let address = |l, d: usize| format!("{}@{}", local(l), domain(d));
    field.takes("64 octets before the @", &address(64, 40));
    field.refuses("65 octets before the @", &address(65, 40), "value_error");
    field.takes("64 octets in 32 characters before the @", &format!("{}@b.fr", "é".repeat(32)));
    field.refuses(
        "66 octets in 33 characters before the @",
        &format!("{}@b.fr", "é".repeat(33)),
        "value_error",
    );
    field.refuses("a label of 64", &format!("j@{}.fr", "a".repeat(64)), "value_error");
    field.takes("119 characters", &address(58, 60));
    field.takes("120 characters", &address(59, 60));
    field.refuses("121 characters", &address(60, 60), "string_too_long");
    field.stores(
        "120 characters in white space",
        &format!("  {} ", address(59, 60)),
        &address(59, 60),
    );
    field.refuses("a hundred thousand nothings", &"@".repeat(50_000), "string_too_long");
}

fn phone(field: &mut Field<'_>) {
    field.takes("international", "+33 6 12 34 56 78");
    field.takes("leading zeros", "0033612345678");
    field.takes("words", "demander M. Léon, poste 12");
    field.takes("one character", "1");
    field.takes("29 characters", &"1".repeat(29));
    field.takes("30 characters", &"1".repeat(30));
    field.refuses("31 characters", &"1".repeat(31), "string_too_long");
    field.takes("30 Arabic digits", &"٣".repeat(30));
    field.refuses("31 Arabic digits", &"٣".repeat(31), "string_too_long");
    field.stores("white space around it", "\u{2003}0612\u{a0}", "0612");
    field.nothing("empty", "");
    field.nothing("blank", " \t\r\n ");
    field.nothing("every kind of white space", WHITE_SPACE);
}

fn company(field: &mut Field<'_>) {
    field.takes("one character", "X");
    field.takes("119 characters", &"c".repeat(119));
    field.takes("120 characters", &"c".repeat(120));
    field.refuses("121 characters", &"c".repeat(121), "string_too_long");
    field.takes("120 emoji", &"🏭".repeat(120));
    field.refuses("121 emoji", &"🏭".repeat(121), "string_too_long");
    field.stores(
        "120 characters in white space",
        &format!("\n{}\n", "c".repeat(120)),
        &"c".repeat(120),
    );
    field.nothing("empty", "");
    field.nothing("blank", "\u{a0}\u{2003} ");
}

fn service(field: &mut Field<'_>) {
    for name in ["ponts", "cabines", "compresseurs", "diagnostic", "autre"] {
        field.takes(name, name);
    }
    field.stores("white space around it", " ponts ", "ponts");
    field.nothing("empty", "");
    field.nothing("blank", "  ");
    for name in ["Ponts", "PONTS", "pont", "ponts,cabines", "other", "null", "роnts"] {
        field.refuses(name, name, "enum");
    }
}

fn message(field: &mut Field<'_>) {
    field.refuses("empty", "", "string_too_short");
    field.refuses("blank", &" ".repeat(40), "string_too_short");
    field.refuses("12 characters", "Message here", "string_too_short");
    field.refuses("19 characters", &"m".repeat(19), "string_too_short");
    field.takes("20 characters", &"m".repeat(20));
    field.takes("21 characters", &"m".repeat(21));
    field.refuses(
        "19 characters in white space",
        &format!("  {}  ", "m".repeat(19)),
        "string_too_short",
    );
    field.refuses("19 emoji", &"🔧".repeat(19), "string_too_short");
    field.takes("20 emoji", &"🔧".repeat(20));
    field.takes("1999 characters", &"m".repeat(1999));
    field.takes("2000 characters", &"m".repeat(2000));
    field.refuses("2001 characters", &"m".repeat(2001), "string_too_long");
    field.takes("2000 emoji", &"🔧".repeat(2000));
    field.refuses("2001 emoji", &"🔧".repeat(2001), "string_too_long");
    field.takes("1000 letters with combining marks", &"e\u{301}".repeat(1000));
    field.refuses("1001 letters with combining marks", &"e\u{301}".repeat(1001), "string_too_long");
    field.stores(
        "2000 characters in white space",
        &format!("\n\n{}\t", "m".repeat(2000)),
        &"m".repeat(2000),
    );
    field.stores(
        "every kind of white space around it",
        &format!("{WHITE_SPACE}{}{WHITE_SPACE}", "m".repeat(20)),
        &"m".repeat(20),
    );
    field.takes("line breaks and tabs", "Bonjour,\n\n\tmon pont\r\nne monte plus\rdu tout.");
    field.takes("line and paragraph separators", "première ligne\u{2028}deuxième\u{2029}troisième");
    field.takes("control characters other than NUL", "un bip \u{7} et un échap \u{1b}[31m rouge");
    field.takes("bidirectional marks", "le mot \u{202e}sruojnob\u{202c} se lit à l'envers");
    field.refuses("a NUL inside", "un NUL \0 au milieu du message", "string_nul");
    field.refuses("a NUL at the end", "un NUL à la fin du message\0", "string_nul");
    field.refuses("a NUL and too short", "\0", "string_nul");
}

fn consent(field: &mut Field<'_>) {
    field.stores_raw("true", "true", json!(1));
    field.stores_raw("false", "false", json!(0));
    for raw in [
        "0",
        "1",
        "-1",
        "0.0",
        "\"true\"",
        "\"false\"",
        "\"\"",
        "\"yes\"",
        "null",
        "[]",
        "[true]",
        "{}",
    ] {
        field.refuses_raw(raw, raw, "bool_type");
    }
}

fn source(field: &mut Field<'_>) {
    field.takes("one character", "s");
    field.takes("49 characters", &"s".repeat(49));
    field.takes("50 characters", &"s".repeat(50));
    field.refuses("51 characters", &"s".repeat(51), "string_too_long");
    field.takes("50 emoji", &"🌍".repeat(50));
    field.refuses("51 emoji", &"🌍".repeat(51), "string_too_long");
    field.stores("white space around it", " site\n", "site");
    field.refuses("empty", "", "string_too_short");
    field.refuses("blank", " \u{3000}", "string_too_short");
}

fn request_id(field: &mut Field<'_>) {
    field.takes("version 4", "f47ac10b-58cc-4372-a567-0e02b2c3d479");
    field.takes("version 7", "01890a5d-ac96-774b-bcce-b302099a8057");
    field.takes("of no version", "12345678-1234-1234-1234-123456789abc");
    field.stores(
        "upper case",
        "A47AC10B-58CC-4372-A567-0E02B2C3D479",
        "a47ac10b-58cc-4372-a567-0e02b2c3d479",
    );
    field.stores(
        "mixed case",
        "b47AC10b-58Cc-4372-a567-0E02b2c3d479",
        "b47ac10b-58cc-4372-a567-0e02b2c3d479",
    );
    field.stores(
        "white space around it",
        "\tc47ac10b-58cc-4372-a567-0e02b2c3d479 ",
        "c47ac10b-58cc-4372-a567-0e02b2c3d479",
    );
    for (what, text) in [
        ("empty", ""),
        ("blank", "  "),
        ("no hyphens", "f47ac10b58cc4372a5670e02b2c3d479"),
        ("braces", "{f47ac10b-58cc-4372-a567-0e02b2c3d479}"),
        ("urn", "urn:uuid:f47ac10b-58cc-4372-a567-0e02b2c3d479"),
        ("a digit short", "e47ac10b-58cc-4372-a567-0e02b2c3d47"),
        ("a digit too many", "f47ac10b-58cc-4372-a567-0e02b2c3d4790"),
        ("no hexadecimal digit", "g47ac10b-58cc-4372-a567-0e02b2c3d479"),
        ("hyphens elsewhere", "f47ac10b5-8cc-4372-a567-0e02b2c3d479"),
        ("a hyphen for a digit", "f47ac10b-58cc-4372-a567-0e02b2c3d47-"),
        ("underscores", "f47ac10b_58cc_4372_a567_0e02b2c3d479"),
        ("dashes of typography", "f47ac10b–58cc–4372–a567–0e02b2c3d479"),
        ("36 octets in fewer characters", "é47ac10b-58cc-4372-a567-0e02b2c3d47"),
        ("full-width digits", "１47ac10b-58cc-4372-a567-0e02b2c3d479"),
        ("a word", "request-1"),
    ] {
        field.refuses(what, text, "uuid_parsing");
    }
}

fn ip_hash(field: &mut Field<'_>) {
    field.takes("one character", "h");
    field.takes("127 characters", &"h".repeat(127));
    field.takes("128 characters", &"h".repeat(128));
    field.refuses("129 characters", &"h".repeat(129), "string_too_long");
    field.takes("128 emoji", &"🔑".repeat(128));
    field.stores("white space around it", " hash ", "hash");
    field.refuses("empty", "", "string_too_short");
    field.refuses("blank", "\t", "string_too_short");
    for address in ["192.0.2.1", " 192.0.2.1:443 ", "2001:db8::1", "[2001:db8::1]:443"] {
        field.refuses(address, address, "ip_address");
    }
}

fn user_agent_hash(field: &mut Field<'_>) {
    field.takes("one character", "u");
    field.takes("127 characters", &"u".repeat(127));
    field.takes("128 characters", &"u".repeat(128));
    field.refuses("129 characters", &"u".repeat(129), "string_too_long");
    field.takes("quotes and backslashes", r#"a"b\c"#);
    field.stores("white space around it", " hash ", "hash");
    field.nothing("empty", "");
    field.nothing("blank", " ");
}

fn time_accepted(field: &mut Field<'_>) {
    for (what, text, stored) in [
        ("UTC", "2024-01-03T10:30:45Z", "2024-01-03T10:30:45Z"),
        ("no offset, which is UTC", "2024-01-03T10:30:45", "2024-01-03T10:30:45Z"),
        ("no offset and microseconds", "2024-01-03T10:30:45.123456", "2024-01-03T10:30:45.123456Z"),
        ("lower-case t and z", "2024-01-03t10:30:45z", "2024-01-03T10:30:45Z"),
        ("a space for the T", "2024-01-03 10:30:45Z", "2024-01-03T10:30:45Z"),
        ("a space for the T and no offset", "2024-01-03 10:30:45", "2024-01-03T10:30:45Z"),
        ("an offset to the east", "2024-01-03T10:30:45+02:00", "2024-01-03T08:30:45Z"),
        ("an offset to the west", "2024-01-03T10:30:45-05:30", "2024-01-03T16:00:45Z"),
        ("an offset of zero", "2024-01-03T10:30:45+00:00", "2024-01-03T10:30:45Z"),
        ("an offset of minus zero", "2024-01-03T10:30:45-00:00", "2024-01-03T10:30:45Z"),
        ("the largest offset", "2024-01-03T10:30:45+23:59", "2024-01-02T10:31:45Z"),
        ("an offset over the new year", "2024-01-01T00:30:00+01:00", "2023-12-31T23:30:00Z"),
        ("one digit of a fraction", "2024-01-03T10:30:45.5Z", "2024-01-03T10:30:45.500Z"),
        ("milliseconds", "2024-01-03T10:30:45.120Z", "2024-01-03T10:30:45.120Z"),
        ("nanoseconds", "2024-01-03T10:30:45.123456789Z", "2024-01-03T10:30:45.123456789Z"),
        (
            "twelve digits of a fraction",
            "2024-01-03T10:30:45.123456789012Z",
            "2024-01-03T10:30:45.123456789Z",
        ),
        ("a fraction of zeros", "2024-01-03T10:30:45.000Z", "2024-01-03T10:30:45Z"),
        ("the leap second of 2016", "2016-12-31T23:59:60Z", "2016-12-31T23:59:60Z"),
        ("a leap second with an offset", "2017-01-01T00:59:60+01:00", "2016-12-31T23:59:60Z"),
        ("a leap day", "2024-02-29T12:00:00Z", "2024-02-29T12:00:00Z"),
        ("the first moment", "0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
        ("the last moment", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        (
            "the last moment with an offset that stays within",
            "9999-12-31T23:59:59+05:00",
            "9999-12-31T18:59:59Z",
        ),
        (
            "the first moment with an offset that stays within",
            "0000-01-01T00:00:00-05:00",
            "0000-01-01T05:00:00Z",
        ),
        ("the future", "2999-01-01T00:00:00Z", "2999-01-01T00:00:00Z"),
        ("white space around it", "  2024-01-03T10:30:45Z\n", "2024-01-03T10:30:45Z"),
    ] {
        field.stores(what, text, stored);
    }
}

fn time_refused(field: &mut Field<'_>) {
    for (what, text) in [
        ("empty", ""),
        ("blank", "  "),
        ("a date alone", "2025-01-03"),
        ("a date with Z", "2024-01-03Z"),
        ("a time alone", "10:30:45Z"),
        ("no seconds", "2024-01-03T10:30Z"),
        ("no seconds and no offset", "2025-01-03T10:30"),
        ("24:00", "2024-01-03T24:00:00Z"),
        ("minute 60", "2024-01-03T10:60:00Z"),
        ("second 61", "2024-01-03T10:30:61Z"),
        ("month 13", "2024-13-03T10:30:45Z"),
        ("month 0", "2024-00-03T10:30:45Z"),
        ("day 0", "2024-01-00T10:30:45Z"),
        ("30 February", "2024-02-30T10:30:45Z"),
        ("29 February of no leap year", "2023-02-29T10:30:45Z"),
        ("29 February 1900", "1900-02-29T10:30:45Z"),
        ("one digit for the month", "2024-1-03T10:30:45Z"),
        ("one digit for the hour", "2024-01-03T9:30:45Z"),
        ("no hyphens", "20240103T103045Z"),
        ("slashes", "2024/01/03T10:30:45Z"),
        ("the day first", "03-01-2024T10:30:45Z"),
        ("two digits for the year", "24-01-03T10:30:45Z"),
        ("five digits for the year", "12024-01-03T10:30:45Z"),
        ("a plus before the year", "+2024-01-03T10:30:45Z"),
        ("a minus before the year", "-2024-01-03T10:30:45Z"),
        ("before the year 0 in UTC", "0000-01-01T00:00:00+00:01"),
        ("after the year 9999 in UTC", "9999-12-31T23:59:59-00:01"),
        ("an offset without a colon", "2024-01-03T10:30:45+0200"),
        ("an offset without minutes", "2024-01-03T10:30:45+02"),
        ("an offset of 24 hours", "2024-01-03T10:30:45+24:00"),
        ("an offset of 60 minutes", "2024-01-03T10:30:45+01:60"),
        ("an offset with a minus of typography", "2024-01-03T10:30:45−02:00"),
        ("a zone by name", "2024-01-03T10:30:45 Europe/Paris"),
        ("UTC as a word", "2024-01-03T10:30:45 UTC"),
        ("a zone in brackets", "2024-01-03T10:30:45Z[UTC]"),
        ("two offsets", "2024-01-03T10:30:45Z+02:00"),
        ("Z twice", "2024-01-03T10:30:45ZZ"),
        ("a space before the Z", "2024-01-03T10:30:45 Z"),
        ("a comma before the fraction", "2024-01-03T10:30:45,5Z"),
        ("a fraction without digits", "2024-01-03T10:30:45.Z"),
        ("two spaces for the T", "2024-01-03  10:30:45Z"),
        ("an underscore for the T", "2024-01-03_10:30:45Z"),
        ("a week", "2024-W01-3T10:30:45Z"),
        ("a day of the year", "2024-003T10:30:45Z"),
        ("seconds since 1970 as text", "1704277845"),
        ("a date of HTTP", "Wed, 03 Jan 2024 10:30:45 GMT"),
        ("now", "now"),
        ("full-width digits", "２024-01-03T10:30:45Z"),
    ] {
        field.refuses(what, text, "datetime_parsing");
    }
}

fn wrong_types(table: &mut Table) {
    let values =
        ["12", "-1", "1.5", "1e999", "true", "false", "[]", "[\"Jean Dupont\"]", "{}", "{\"a\":1}"];
    for field in REQUIRED_TEXTS.into_iter().chain(OPTIONAL_TEXTS).chain([TIME]) {
        for value in values {
            table.field(field).refuses_raw(value, value, "string_type");
        }
    }
    for value in ["null", "12", "true", "\"meta\"", "\"\"", "[]", "[{}]"] {
        table.field("meta").refuses_raw(value, value, "model_type");
    }
}

fn missing(table: &mut Table) {
    for field in REQUIRED_TEXTS.into_iter().chain([TIME]) {
        table.field(field).refuses_raw("null", "null", "string_type");
    }
    for field in REQUIRED_TEXTS.into_iter().chain([TIME, "consent", "meta"]) {
        table.push(field, "left out", Change::Remove(field), errors(&[("missing", field)]));
    }
    for field in OPTIONAL_TEXTS {
        table.push(field, "left out", Change::Remove(field), Outcome::Stored(field, Value::Null));
        table.field(field).stores_raw("null", "null", Value::Null);
    }
    let all = ["source", "request_id", "ip_hash", "timestamp_utc"]
        .map(|f| ("missing", format!("meta.{f}")));
    let empty = Change::Set("meta", "{}".to_owned());
    table.push("meta", "empty", empty, Outcome::FieldErrors(all.into()));
}

/// Control characters, and what ends a line, in the middle of every field of one line.
fn one_line_controls(table: &mut Table) {
    let fields = [
        "name",
        "phone",
        "company",
        "service",
        "meta.source",
        "meta.request_id",
        "meta.ip_hash",
        "meta.user_agent_hash",
        TIME,
    ];
    for field in fields {
        table.field(field).refuses("NUL inside", "ab\0cd", "string_nul");
        table.field(field).refuses("NUL alone", "\0", "string_nul");
        for (what, c) in [
            ("a line feed", '\n'),
            ("a carriage return", '\r'),
            ("a tab", '\t'),
            ("a form feed", '\u{c}'),
            ("a bell", '\u{7}'),
            ("an escape", '\u{1b}'),
            ("the first control character", '\u{1}'),
            ("the unit separator", '\u{1f}'),
            ("a delete", '\u{7f}'),
            ("a next line", '\u{85}'),
            ("the last control character", '\u{9f}'),
            ("a line separator", '\u{2028}'),
            ("a paragraph separator", '\u{2029}'),
        ] {
            table.field(field).refuses(what, &format!("ab{c}cd"), "string_control_character");
        }
    }
}

/// Halves of surrogate pairs: JSON can write them, no text can hold them.
fn not_text(table: &mut Table) {
    let fields = REQUIRED_TEXTS.into_iter().chain(OPTIONAL_TEXTS).chain([TIME]);
    for field in fields {
        table.field(field).refuses_raw(
            "half a surrogate pair",
            r#""ab\ud800cd""#,
            "string_unicode",
        );
    }
    let mut name = table.field("name");
    name.refuses_raw("the second half of a pair", r#""ab\udc00cd""#, "string_unicode");
    name.refuses_raw("a pair in the wrong order", r#""ab\udc00\ud800cd""#, "string_unicode");
    name.refuses_raw("half a pair at the end", r#""abcd\ud83d""#, "string_unicode");
    name.refuses_raw("half a pair before another escape", r#""ab\ud83d\n""#, "string_unicode");
    name.refuses_raw("a NUL by escape", r#""ab\u0000cd""#, "string_nul");
}

fn unknown_fields(table: &mut Table) {
    let ignored = |name: &str, members: &str, table: &mut Table| {
        table.push("unknown", name, Change::Add(members.into()), Outcome::Unchanged);
        let in_meta = format!("{name}, in meta");
        table.push("unknown", &in_meta, Change::AddToMeta(members.into()), Outcome::Unchanged);
    };
    ignored("a text", r#""honeypot":"x""#, table);
    ignored("an empty key", r#""":1"#, table);
    ignored("null", r#""x":null"#, table);
    ignored("a number of a thousand digits", &format!(r#""x":{}"#, "9".repeat(1000)), table);
    ignored("a number beyond every float", r#""x":1e999999999"#, table);
    ignored("a number below every float", r#""x":-1e-999999999"#, table);
    ignored("an object with known names", r#""x":{"name":"x","meta":{"request_id":1}}"#, table);
    ignored("a list of everything", r#""x":[1,"a",null,{"b":[true,false]},[]]"#, table);
    ignored("control characters by escape", r#""x":"\u0001\n\u001f""#, table);
    ignored("a key that differs in case", r#""NAME":1,"Consent":"no""#, table);
    ignored("keys that look alike", r#""name ":1,"n\u0430me":2"#, table);
    ignored("the same key at two depths", r#""x":{"x":{"x":1}}"#, table);
    ignored("the same key in two items", r#""x":[{"a":1},{"a":2}]"#, table);
    ignored(
        "forty objects in one another",
        &format!(r#""x":{}1{}"#, r#"{"a":"#.repeat(40), "}".repeat(40)),
        table,
    );
    let many: Vec<String> = (0..300).map(|i| format!(r#""x{i}":{i}"#)).collect();
    ignored("three hundred fields", &many.join(","), table);

    let refused = |name: &str, members: &str, kind, place: &str, table: &mut Table| {
        let top = Change::Add(members.into());
        table.push("unknown", name, top, Outcome::FieldErrors(vec![(kind, place.to_owned())]));
        let place = format!("meta.{place}");
        let in_meta = format!("{name}, in meta");
        table.push(
            "unknown",
            &in_meta,
            Change::AddToMeta(members.into()),
            Outcome::FieldErrors(vec![(kind, place)]),
        );
    };
    refused("a NUL", r#""x":"a\u0000b""#, "string_nul", "x", table);
    refused("a NUL deep down", r#""x":{"y":{"z":"\u0000"}}"#, "string_nul", "x.y.z", table);
    refused("a NUL in a list", r#""x":["a","\u0000"]"#, "string_nul", "x.[]", table);
    refused("a NUL in a key", r#""x\u0000":1"#, "string_nul", "x\0", table);
    refused("a NUL in a key deep down", r#""x":{"y\u0000":1}"#, "string_nul", "x.y\0", table);
    refused("half a surrogate pair", r#""x":"\ud800""#, "string_unicode", "x", table);
    refused(
        "half a surrogate pair in a list",
        r#""x":[["\udfff"]]"#,
        "string_unicode",
        "x.[].[]",
        table,
    );
    refused(
        "half a surrogate pair in a key deep down",
        r#""x":{"\ud800":1}"#,
        "string_unicode",
        "x",
        table,
    );
    refused("a repeated key", r#""x":1,"x":1"#, "duplicate_key", "x", table);
    refused("a key repeated by escape", r#""x":1,"\u0078":2"#, "duplicate_key", "x", table);
    refused(
        "a key repeated deep down",
        r#""x":{"y":{"z":1,"z":2}}"#,
        "duplicate_key",
        "x.y.z",
        table,
    );
    refused("a key repeated in a list", r#""x":[{"y":1,"y":1}]"#, "duplicate_key", "x.[].y", table);
    let twenty: Vec<String> = (0..20).map(|i| format!(r#""y{i}":0"#)).collect();
    let one_twice = format!(r#""x":{{{},"y3":1}}"#, twenty.join(","));
    refused("one of many keys repeated", &one_twice, "duplicate_key", "x.y3", table);
}

fn repeated_keys(table: &mut Table) {
    let value = |field: &str| match field {
        "consent" => "true".to_owned(),
        "meta" => "{}".to_owned(),
        _ => "\"x\"".to_owned(),
    };
    for field in ["name", "email", "phone", "company", "service", "message", "consent", "meta"] {
        let again = Change::Add(format!("\"{field}\":{}", value(field)));
        table.push(field, "repeated", again, errors(&[("duplicate_key", field)]));
    }
    for field in ["source", "request_id", "ip_hash", "user_agent_hash", "timestamp_utc"] {
        let again = Change::AddToMeta(format!("\"{field}\":\"x\""));
        let place = format!("meta.{field}");
        table.push(
            "meta",
            &format!("{field} repeated"),
            again,
            Outcome::FieldErrors(vec![("duplicate_key", place)]),
        );
    }
    let thrice = Change::Add(r#""name":"x","name":"y""#.to_owned());
    table.push(
        "name",
        "three times",
        thrice,
        errors(&[("duplicate_key", "name"), ("duplicate_key", "name")]),
    );
}

fn whole_bodies(table: &mut Table) {
    let not_json: [(&str, &[u8]); 20] = [
        ("empty", b""),
        ("white space", b" \r\n\t "),
        ("a word", b"lead"),
        ("a form", b"name=Jean&email=jean%40example.com"),
        ("XML", b"<lead/>"),
        ("an open object", b"{\"name\": \"Jean\""),
        ("an open string", b"{\"name\": \"Jean"),
        ("single quotes", b"{'name': 'Jean'}"),
        ("a comma too many", b"{\"name\": \"Jean\",}"),
        ("a key without quotes", b"{name: \"Jean\"}"),
        ("a comment", b"{} // nothing"),
        ("two objects", b"{} {}"),
        ("a number with a leading zero", b"{\"x\": 01}"),
        ("NaN", b"{\"x\": NaN}"),
        ("a line break in a string", b"{\"x\": \"a\nb\"}"),
        ("a NUL byte", b"{\"x\": \"a\0b\"}"),
        ("a bad escape", b"{\"x\": \"\\q\"}"),
        ("UTF-16", b"\xff\xfe{\0}\0"),
        ("Latin-1", b"{\"name\": \"Zo\xeb\"}"),
        ("a surrogate in UTF-8", b"{\"name\": \"\xed\xa0\x80\"}"),
    ];
    for (name, body) in not_json {
        table.push("body", name, Change::Whole(body.to_vec()), Outcome::NotJson);
    }
    for (name, body) in [
        ("null", "null"),
        ("true", "true"),
        ("a number", "12"),
        ("a text", "\"lead\""),
        ("an empty list", "[]"),
        ("a list of leads", "[{}]"),
    ] {
        let whole = Change::Whole(body.as_bytes().to_vec());
        table.push("body", name, whole, Outcome::FieldErrors(vec![("model_type", String::new())]));
    }
    let required = ["name", "email", "message", "consent", "meta"].map(|f| ("missing", f));
    table.push("body", "an empty object", Change::Whole(b"{}".to_vec()), errors(&required));
    let open = Change::Whole(vec![b'['; 60_000]);
    table.push("body", "sixty thousand open lists", open, Outcome::NotJson);
    let nested = [vec![b'['; 30_000], vec![b']'; 30_000]].concat();
    let nested = Change::Whole(nested);
    table.push(
        "body",
        "thirty thousand lists in one another",
        nested,
        Outcome::FieldErrors(vec![("model_type", String::new())]),
    );
    let deep = format!(r#""x":{}1{}"#, "[".repeat(20_000), "]".repeat(20_000));
    let place = format!("x{}", ".[]".repeat(63));
    table.push(
        "body",
        "lists nested too deeply",
        Change::Add(deep),
        Outcome::FieldErrors(vec![("too_deep", place)]),
    );
}

fn errors(list: &[(&'static str, &str)]) -> Outcome {
    Outcome::FieldErrors(list.iter().map(|&(kind, place)| (kind, place.to_owned())).collect())
}

struct Table(Vec<Row>);

impl Table {
    fn field(&mut self, field: &'static str) -> Field<'_> {
        Field { table: self, field }
    }

    fn push(&mut self, group: &str, name: &str, change: Change, outcome: Outcome) {
        self.0.push(Row { name: format!("{group}: {name}"), change, outcome });
    }
}

/// The rows of one field.
struct Field<'t> {
    table: &'t mut Table,
    field: &'static str,
}

impl Field<'_> {
    fn takes(&mut self, name: &str, text: &str) {
        self.stores(name, text, text);
    }

    fn stores(&mut self, name: &str, text: &str, stored: &str) {
        self.stores_raw(name, &json!(text).to_string(), json!(stored));
    }

    fn stores_raw(&mut self, name: &str, raw: &str, stored: Value) {
        let change = Change::Set(self.field, raw.to_owned());
        self.table.push(self.field, name, change, Outcome::Stored(self.field, stored));
    }

    /// The same as leaving it out.
    fn nothing(&mut self, name: &str, text: &str) {
        self.stores_raw(name, &json!(text).to_string(), Value::Null);
    }

    fn refuses(&mut self, name: &str, text: &str, kind: &'static str) {
        self.refuses_raw(name, &json!(text).to_string(), kind);
    }

    fn refuses_raw(&mut self, name: &str, raw: &str, kind: &'static str) {
        let change = Change::Set(self.field, raw.to_owned());
        let name = if raw.len() < 10 { format!("{name} ({kind})") } else { name.to_owned() };
        self.table.push(self.field, &name, change, errors(&[(kind, self.field)]));
    }
}
