//! The description at `/api` says what the server answers.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{PATIENCE, Program, seeds, until};

#[test]
fn every_answer_is_described() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let seeds = seeds(folder.path());
    let arguments = "run --microscope specimen --budget 20 --approve --page --seeds-from";
    let mut arguments: Vec<&str> = arguments.split(' ').collect();
    arguments.extend([&seeds, "--out", out.to_str().unwrap()]);
    let program = Program::start(&arguments);
    until(&out, |status| status.proposal.is_some());
    let (_, api) = program.ask("GET /api", "", b"");
    let body = api.split_once("\r\n\r\n").unwrap().1;
    let api: Value = serde_json::from_str(body).unwrap();

    let token = format!("Authorization: Bearer {}\r\n", program.control);
    let watch = format!("Authorization: Bearer {}\r\n", program.watch);
    let foreign = format!("{token}Origin: http://evil.example\r\n");
    let campaign = "/api/campaigns/{campaign}";
    for (method, asked, path, head, body, expected) in [
        ("GET", "/api/coverage", "/api/coverage", &watch, "", 200),
        (
            "GET",
            "/api/coverage",
            "/api/coverage",
            &String::new(),
            "",
            401,
        ),
        ("GET", "/api/campaigns", "/api/campaigns", &token, "", 200),
        (
            "GET",
            "/api/campaigns",
            "/api/campaigns",
            &String::new(),
            "",
            401,
        ),
        ("GET", "/api/campaigns", "/api/campaigns", &foreign, "", 403),
        (
            "GET",
            "/api/campaigns/0/overview",
            "/overview",
            &token,
            "",
            200,
        ),
        (
            "GET",
            "/api/campaigns/7/overview",
            "/overview",
            &token,
            "",
            404,
        ),
        (
            "GET",
            "/api/campaigns/x/overview",
            "/overview",
            &token,
            "",
            400,
        ),
        (
            "GET",
            "/api/campaigns/0/maps/mean",
            "/maps/{name}",
            &token,
            "",
            200,
        ),
        (
            "GET",
            "/api/campaigns/0/maps/best",
            "/maps/{name}",
            &token,
            "",
            404,
        ),
        (
            "GET",
            "/api/campaigns/0/spectra/0",
            "/spectra/{record}",
            &watch,
            "",
            404,
        ),
        (
            "GET",
            "/api/campaigns/0/spectra/x",
            "/spectra/{record}",
            &watch,
            "",
            400,
        ),
        (
            "GET",
            "/api/campaigns/0/reduced/sum",
            "/reduced/{target}",
            &watch,
            "",
            200,
        ),
        (
            "GET",
            "/api/campaigns/0/reduced/best",
            "/reduced/{target}",
            &watch,
            "",
            422,
        ),
        (
            "POST",
            "/api/campaigns/0/command",
            "/command",
            &token,
            r#"{"words":["status"]}"#,
            200,
        ),
        (
            "POST",
            "/api/campaigns/0/command",
            "/command",
            &token,
            "{}",
            400,
        ),
        (
            "POST",
            "/api/campaigns/0/command",
            "/command",
            &watch,
            r#"{"words":["status"]}"#,
            403,
        ),
        (
            "POST",
            "/api/campaigns/0/command",
            "/command",
            &token,
            r#"{"words":["faster"]}"#,
            409,
        ),
    ] {
        let head = format!("{head}Content-Length: {}\r\n", body.len());
        let ask = || program.ask(&format!("{method} {asked}"), &head, body.as_bytes());
        let (mut status, mut answer) = ask();
        // A map takes a moment to come.
        let begun = Instant::now();
        while (expected, status) == (200, 404) && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(50));
            (status, answer) = ask();
        }
        assert_eq!(status, expected, "{method} {asked}: {answer}");
        let path = match path.strip_prefix("/api") {
            Some(_) => path.to_owned(),
            None => format!("{campaign}{path}"),
        };
        let answers = &api["paths"][&path][method.to_lowercase()]["responses"];
        let mut described = &answers[status.to_string()];
        if let Some(name) = described["$ref"].as_str() {
            let name = name.strip_prefix("#/components/responses/").unwrap();
            described = &api["components"]["responses"][name];
        }
        let content = described["content"].as_object();
        let kinds: Vec<&String> = content
            .into_iter()
            .flat_map(|content| content.keys())
            .collect();
        assert_eq!(
            kinds.len(),
            1,
            "{path} {status} is not described: {answers}"
        );
        let (answered, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            answered.contains(&format!("content-type: {}", kinds[0])),
            "{path}: {answered}"
        );
        if status >= 400 {
            let said: Value = serde_json::from_str(body).unwrap();
            assert!(said["error"].is_string(), "{path}: {body}");
        }
    }
}
