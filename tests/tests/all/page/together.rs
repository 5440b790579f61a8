//! People who command at once, and those who do not say who they are.

use std::time::Instant;

use super::{PATIENCE, begin_asking, commands, records};

#[test]
fn two_who_command_at_once_are_both_on_record_each_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let (program, out) = begin_asking(folder.path(), "--budget 20");
    let notes = |name: &str| (0..20).map(|n| format!("{name} {n}")).collect::<Vec<_>>();
    let people = ["Ada", "Ben"];
    std::thread::scope(|scope| {
        for name in people {
            let program = &program;
            scope.spawn(move || {
                for note in notes(name) {
                    let (number, said) = program.post_as(name, &["note", &note], &program.control);
                    assert_eq!(number, 200, "{said}");
                }
            });
        }
    });
    // Who says nothing, or nothing that can be seen, has the link at any rate.
    for name in ["", " "] {
        let (number, said) = program.post_as(name, &["note", "nobody"], &program.control);
        assert_eq!(number, 200, "{said}");
    }
    let begun = Instant::now();
    let given = loop {
        let given = commands(&records(&out));
        if given.len() == 42 {
            break given;
        }
        assert!(begun.elapsed() < PATIENCE, "{given:?}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    for name in people {
        let by = given.iter().filter(|(_, by)| by == name);
        let said = by.map(|(command, _)| command.strip_prefix("note ").unwrap());
        assert_eq!(said.collect::<Vec<_>>(), notes(name));
    }
    let of_link = given.iter().filter(|(_, by)| by == "control link");
    assert_eq!(of_link.count(), 2, "{given:?}");
}
