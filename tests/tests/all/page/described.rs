//! The description at `/api` says what the server answers.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{PATIENCE, begin_asking};

/// Method, address, path of the description, who asks, the number of the answer, and the body.
const ASKED: &str = r#"
GET  /api/campaigns                  /api/campaigns                               control 200
GET  /api/campaigns                  /api/campaigns                               nobody  401
GET  /api/campaigns                  /api/campaigns                               foreign 403
GET  /api/coverage                   /api/coverage                                watch   200
GET  /api/coverage                   /api/coverage                                nobody  401
GET  /api/campaigns/0/overview       /api/campaigns/{campaign}/overview           control 200
GET  /api/campaigns/7/overview       /api/campaigns/{campaign}/overview           control 404
GET  /api/campaigns/x/overview       /api/campaigns/{campaign}/overview           control 400
GET  /api/campaigns/0/maps/mean      /api/campaigns/{campaign}/maps/{name}        control 200
GET  /api/campaigns/0/maps/best      /api/campaigns/{campaign}/maps/{name}        control 404
GET  /api/campaigns/0/past/90        /api/campaigns/{campaign}/past/{record}      watch   200
GET  /api/campaigns/0/past/0         /api/campaigns/{campaign}/past/{record}      watch   404
GET  /api/campaigns/0/past/x         /api/campaigns/{campaign}/past/{record}      watch   400
GET  /api/campaigns/0/past/90/mean   /api/campaigns/{campaign}/past/{record}/{name} watch 200
GET  /api/campaigns/0/past/20/map_mean /api/campaigns/{campaign}/past/{record}/{name} watch 202
GET  /api/campaigns/0/past/90/map_mean /api/campaigns/{campaign}/past/{record}/{name} watch 404
GET  /api/campaigns/0/spectra/0      /api/campaigns/{campaign}/spectra/{record}   watch   404
GET  /api/campaigns/0/spectra/x      /api/campaigns/{campaign}/spectra/{record}   watch   400
GET  /api/campaigns/0/reduced/sum    /api/campaigns/{campaign}/reduced/{target}   watch   200
GET  /api/campaigns/0/reduced/best   /api/campaigns/{campaign}/reduced/{target}   watch   422
POST /api/campaigns/0/command        /api/campaigns/{campaign}/command            control 200 {"words":["status"]}
POST /api/campaigns/0/command        /api/campaigns/{campaign}/command            control 400 {}
POST /api/campaigns/0/command        /api/campaigns/{campaign}/command            watch   403 {"words":["status"]}
POST /api/campaigns/0/command        /api/campaigns/{campaign}/command            control 409 {"words":["faster"]}
"#;

/// What the description says of an answer.
fn described<'a>(api: &'a Value, path: &str, method: &str, status: u16) -> &'a Value {
    let answers = &api["paths"][path][method.to_lowercase()]["responses"];
    let answer = &answers[status.to_string()];
    match answer["$ref"].as_str() {
        Some(name) => {
            let name = name.strip_prefix("#/components/responses/").unwrap();
            &api["components"]["responses"][name]
        }
        None => answer,
    }
}

#[test]
fn every_answer_is_described() {
    let folder = tempfile::tempdir().unwrap();
    let (program, _) = begin_asking(folder.path(), "--budget 20");
    let (_, api) = program.ask("GET /api", "", b"");
    let api: Value = serde_json::from_str(api.split_once("\r\n\r\n").unwrap().1).unwrap();

    for line in ASKED.trim().lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [method, asked, path, who, expected, ref body @ ..] = words[..] else {
            panic!("{line}");
        };
        let body = body.first().copied().unwrap_or_default();
        let head = match who {
            "control" | "foreign" => format!("Authorization: Bearer {}\r\n", program.control),
            "watch" => format!("Authorization: Bearer {}\r\n", program.watch),
            _ => String::new(),
        };
        let origin = if who == "foreign" {
            "Origin: http://evil.example\r\n"
        } else {
            ""
        };
        let head = format!("{head}{origin}Content-Length: {}\r\n", body.len());
        let ask = || program.ask(&format!("{method} {asked}"), &head, body.as_bytes());
        let (mut status, mut answer) = ask();
        // A map takes a moment to come.
        let begun = Instant::now();
        while (expected, status) == ("200", 404) && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(50));
            (status, answer) = ask();
        }
        assert_eq!(status.to_string(), expected, "{line}: {answer}");
        let described = described(&api, path, method, status);
        let content = described["content"].as_object();
        let kinds: Vec<&String> = content
            .into_iter()
            .flat_map(serde_json::Map::keys)
            .collect();
        assert_eq!(kinds.len(), 1, "{line} is not described: {described}");
        let (answered, said) = answer.split_once("\r\n\r\n").unwrap();
        let kind = format!("content-type: {}", kinds[0]);
        assert!(answered.contains(&kind), "{line}: {answered}");
        if status >= 400 {
            let said: Value = serde_json::from_str(said).unwrap();
            assert!(said["error"].is_string(), "{line}: {said}");
        }
    }
}
