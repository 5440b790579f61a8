//! What a report leaves in a folder.

use super::*;
use crate::data::Map;
use crate::data::files::Finished;
use crate::figures::tests::{panels, with_errors};
use crate::figures::{
    Arrangement, LatentFigure, PairedResponse, PairsFigure, SpectraFigure, Spectrum,
    SurrogateFigure,
};

#[test]
fn a_report_is_one_file_without_scripts_or_links_that_names_what_it_shows() {
    let map = Map::uncalibrated(12, 12, (0..144).map(f64::from).collect(), "HAADF");
    panels(3, 30, 1.0, |results| {
        let folder = tempfile::tempdir().unwrap();
        let tables = [Table {
            caption: "Paired tests".to_owned(),
            header: vec!["strategy".to_owned(), "p".to_owned()],
            rows: vec![vec!["beacon".to_owned(), "0.004".to_owned()]],
        }];
        let report = Report {
            title: "beacon & <co>",
            lead: "What was done.",
            image: &map,
            target: Some(&map),
            results,
            surrogate: None,
            map: None,
            pairs: None,
            latent: None,
            spectra: None,
            components: None,
            story: &[],
            marks: &[],
            changes: None,
            letters: false,
            tables: &tables,
            notes: &[],
            settings: "steps = 30",
            warnings: &["trouble < 3".to_owned()],
            provenance: &[("seed", "7".to_owned())],
        };
        let path = folder.path().join("report.html");
        write_report(&path, &report).unwrap();
        let page = std::fs::read_to_string(&path).unwrap();
        for wanted in [
            "<h1>beacon &amp; &lt;co&gt;</h1>",
            "trouble &lt; 3",
            "steps = 30",
            "Paired tests",
            "<td>0.004</td>",
            "<th scope=\"row\">seed</th><td>7</td>",
            env!("CARGO_PKG_VERSION"),
        ] {
            assert!(page.contains(wanted), "{wanted}");
        }
        // Of 30 steps, strategy s ends at (s + 29) / 300.
        assert!(page.contains("<td>0.09667</td><td>0.1000</td><td>0.1033</td>"));
        let addresses = page.matches("http").count();
        let namespaces = page.matches("xmlns=\"http://www.w3.org/2000/svg\"").count();
        assert_eq!(addresses, namespaces);
        assert!(!page.contains("<script") && !page.contains("<link"));
        let pictures = |page: &str| {
            page.matches("<svg role=\"img\" aria-label=\"").count()
                + page.matches("<img alt=\"").count()
        };
        // Parts are shown instead of the whole, on a narrow page.
        let parts = page.split("<div class=\"narrow\">").skip(1);
        let parts = parts.map(|rest| pictures(rest.split("</div>").next().unwrap()));
        let pictures = pictures(&page) - parts.sum::<usize>();
        assert_eq!(pictures, page.matches("<figure>").count());
        assert_eq!(pictures, 6);
    });
}

/// Two responses of two candidates.
fn pair() -> [PairedResponse<'static>; 2] {
    ["sum", "loop-area"].map(|quantity| PairedResponse {
        quantity,
        units: "",
        candidates: &[0.0, 1.0],
        seeds: &[0.0],
        steps: &[1.0],
    })
}

fn stacked<'s>(spectra: &'s [Spectrum<'s>]) -> SpectraFigure<'s> {
    SpectraFigure {
        axis: "energy",
        axis_units: "keV",
        coordinates: &[0.0, 1.0],
        quantity: "X-rays",
        units: "counts",
        spectra,
        markers: &[],
        shades: &[],
        range: None,
        arrangement: Arrangement::Stacked,
        narrow: false,
    }
}

#[test]
fn a_folder_holds_the_figures_of_its_report_and_none_of_an_earlier_one() {
    let map = Map::uncalibrated(12, 12, (0..144).map(f64::from).collect(), "HAADF");
    let spectra = [Spectrum {
        label: "step 3",
        values: &[1.0, 2.0],
    }];
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.txt"), "kept").unwrap();
    let listing = || {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let expected = |figures: &[&str]| {
        let files = figures
            .iter()
            .flat_map(|name| ["pdf", "png", "svg"].map(|form| format!("{name}.{form}")));
        let mut files: Vec<_> = files.chain(["mine.txt".to_owned()]).collect();
        files.sort();
        files
    };
    let maps = SurrogateFigure {
        title: "map to publish",
        mean: &map,
        sigma: &map,
        truth: None,
    };
    let (pair, figure) = (pair(), stacked(&spectra));
    panels(2, 30, 1.0, |results| {
        let full = Report {
            title: "two",
            lead: "",
            image: &map,
            target: Some(&map),
            results,
            surrogate: Some(maps),
            map: Some(maps),
            pairs: Some(PairsFigure {
                strategy: "beacon",
                responses: &pair,
            }),
            latent: Some(LatentFigure {
                strategy: "beacon",
                candidates: &[(0.0, 0.0), (1.0, 1.0)],
                seeds: &[0],
                order: &[1],
                manifold: None,
            }),
            spectra: Some(figure),
            components: Some(figure),
            story: &[],
            marks: &[],
            changes: None,
            letters: false,
            tables: &[],
            notes: &[],
            settings: "",
            warnings: &[],
            provenance: &[],
        };
        with_errors(results, |results| {
            let several = Report { results, ..full };
            write_figures(folder.path(), &several, &Finished::nothing()).unwrap();
        });
        assert_eq!(listing(), expected(&FIGURES));
        let single = Report {
            target: None,
            results: &results[..1],
            surrogate: None,
            map: None,
            pairs: None,
            latent: None,
            spectra: None,
            components: None,
            ..full
        };
        write_figures(folder.path(), &single, &Finished::nothing()).unwrap();
        assert_eq!(
            listing(),
            expected(&[
                "overview",
                "trajectory",
                "learning",
                "coverage",
                "coverages",
                "times"
            ])
        );
    });
}
