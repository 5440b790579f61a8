//! `beacon controller`: what is wrong with its words before any board is spoken to.

use crate::common::{beacon, text};

#[test]
fn places_and_times_that_no_board_has_are_refused_with_what_would_be_accepted() {
    let folder = tempfile::tempdir().unwrap();
    // Whoever opens the port says so, and ends otherwise.
    let board = ["--controller", "serial:absent"];
    let seconds = "expected seconds from 0.000001 to 60,";
    for (words, said) in [
        (
            &["point", "-0.1,0"][..],
            "X,Y is -0.1,0; expected two fractions of the range from 0 to 1",
        ),
        (
            &["point", "1.1,0"],
            "expected two fractions X,Y from 0 to 1",
        ),
        (&["point", "-1"], "expected two fractions X,Y from 0 to 1"),
        (
            &["pulse", "--dwell", "1", "--at", "-0.1,0"],
            "--at is -0.1,0; expected X,Y, fractions of the range from 0 to 1",
        ),
        (
            &["scan", "--frame", "-0.1,0,1,1"],
            "--frame is -0.1,0,1,1; expected LEFT,TOP,RIGHT,BOTTOM, fractions",
        ),
        (&["pulse", "--dwell", "61"], seconds),
        (&["pulse", "--dwell", "1e-7"], seconds),
        (&["pulse", "--dwell", "-1"], seconds),
        (&["scan", "--dwell", "61s"], seconds),
    ] {
        for words in [
            [words, &board].concat(),
            [&words[..1], &board, &words[1..]].concat(),
        ] {
            let output = beacon(&[&["controller"], &words[..]].concat(), folder.path());
            let told = text(&output.stderr);
            assert!(told.contains(said), "{words:?}: {told}");
            assert_eq!((output.status.code(), told.lines().count()), (Some(2), 1));
        }
    }
}
