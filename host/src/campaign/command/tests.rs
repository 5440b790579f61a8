//! Commands as they are typed.

use super::*;

#[test]
fn mistakes_are_named_with_what_would_be_accepted() {
    let candidates = Candidates::new(20, 30, 6).unwrap();
    for (wrong, said) in [
        ("strategy best", "unknown strategy `best`; accepted are"),
        (
            "exclude 9..3,0..30",
            "no region: TOP is 9, not below BOTTOM, 3; expected",
        ),
        (
            "include 3..9,0..31",
            "no region: RIGHT is 31, and there are 30 columns; expected",
        ),
        ("exclude 3..9", "`3..9` is no region; expected rows"),
        ("measure 2,4", "no candidate"),
        (
            "measure 10 12",
            "`measure 10 12` has no comma; expected `measure 10,12`",
        ),
        ("suggest 10, 12", "expected `suggest 10,12`"),
        ("reject 10 , 12", "expected `reject 10,12`"),
        ("discard 2 4", "`2,4` is no candidate; expected ROW,COLUMN"),
        ("measure", "`` is no candidate; expected ROW,COLUMN"),
        ("discard here", "no candidate"),
        (
            "budget many",
            "budget is `many`; expected a number of points",
        ),
        ("dose-limit no", "as in 1e11, 1e11e or 16nC, or `none`"),
        ("pixel-dose-limit much", "1e6e/nm2, or `none`"),
        ("time-limit 8", "expected a number with its unit"),
        ("time-limit soon", "2h30m, or `none`"),
        ("dwell -", "dwell is `-`; expected a time in seconds"),
        ("exclude 3..9,0..30 9..3,0..30", "`9..3,0..30` is no region"),
        ("withdraw 2,4", "no candidate"),
        ("approve", "expected `approve on`, `approve off`"),
        ("approve yes", "approve is `yes`; expected"),
        (
            "approve on after 5 go",
            "after is `5`; expected a number with its unit",
        ),
        ("approve on after 0.01s go", "expected a tenth of a second"),
        ("approve on after 5m", "as in `approve on after 5m go`"),
        ("note", "note has 0 letters; expected 1 to 1000"),
        ("pause now", "`pause` stands alone"),
        ("accept 2,4", "no candidate"),
        ("faster", "accepted are status, pause"),
    ] {
        let words: Vec<&str> = wrong.split(' ').collect();
        let message = Command::parse(&words, candidates).unwrap_err();
        assert!(message.contains(said), "{wrong}: {message}");
    }
    let many = vec!["3..9,0..30"; MOST_REGIONS + 1];
    let many = Command::parse(&[&["exclude"], &many[..]].concat(), candidates);
    assert_eq!(
        many.unwrap_err(),
        "501 regions at a time; expected 500 at most"
    );
    for typed in [
        "exclude 3..9,0..30 10..11,2..4",
        "include 3..9,0..30 10..11,2..4",
        "approve on after 90s go",
        "approve on after 0.5s pause",
        "dose-limit none",
        "pixel-dose-limit 1e4",
        "pixel-dose-limit none",
        "time-limit 9000s",
        "time-limit none",
    ] {
        let words: Vec<&str> = typed.split(' ').collect();
        let parsed = Command::parse(&words, candidates).unwrap();
        assert_eq!(parsed.to_string(), typed);
    }
    let reflect = Candidates::with_edges(20, 30, 6, Edges::Reflect).unwrap();
    let corner = Command::parse(&["measure", "19,29"], reflect);
    assert_eq!(corner, Ok(Command::Measure(599)));
    let message = Command::parse(&["measure", "20,4"], reflect).unwrap_err();
    let said = "expected ROW,COLUMN of a pixel of the image of 20 x 30, as in 10,15";
    assert!(message.contains(said), "{message}");
    let words = ["suggest", "10, 4"];
    let parsed = Command::parse(&words, candidates);
    assert_eq!(parsed, Ok(Command::Suggest(7 * 25 + 1)));
}
