//! Lists over HTTP.

use crate::world::{World, answer, secret};
use serde_json::json;

#[tokio::test]
async fn every_form_of_a_list_is_taken() {
    let w = World::new().await;
    let text = format!("# pool\nname,key\none,{}\n\"two, too\",{}\n,short\n", secret(1), secret(2));
    let request = w.admin("POST", "/api/v1/keys/import?tags=a,b").header("content-type", "text/csv").body(text);
    let (status, body) = answer(request).await;
    let error = json!({"line": 5, "error": "the key is shorter than 8 characters"});
    let report = json!({"success": 2, "failed": 1, "duplicates": 0, "total": 3, "errors": [error]});
    assert_eq!((status, &body["data"]), (200, &report), "{body}");
    for (body, success, duplicates) in [
        (json!({"text": format!("{}\n{}", secret(2), secret(3))}), 1, 1),
        (json!({"keys": [secret(3), {"name": "four", "key": secret(4)}], "tags": ["c"]}), 1, 1),
        (json!([secret(5), secret(5)]), 1, 1),
        (json!({"text": json!([secret(6)]).to_string()}), 1, 0),
        (json!({"keys": [{"name": false, "key": secret(7)}, null]}), 0, 0),
        (json!({"keys": []}), 0, 0),
    ] {
        let (status, answer) = w.post("/api/v1/keys/import", body.clone()).await;
        let data = &answer["data"];
        assert_eq!(
            (status, &data["success"], &data["duplicates"]),
            (200, &json!(success), &json!(duplicates)),
            "{body}"
        );
    }
    let keys = w.data("/api/v1/keys").await;
    let names: Vec<&str> = keys.as_array().unwrap().iter().map(|k| k["name"].as_str().unwrap()).collect();
    assert_eq!((names[..2].to_vec(), names[3]), (vec!["one", "two, too"], "four"));
    assert_eq!(names[2], keys[2]["mask"], "a key without a name is called by its masked form");
    assert_eq!((&keys[0]["tags"], &keys[3]["tags"]), (&json!(["a", "b"]), &json!(["c"])));
    let imports: Vec<String> = w.audit().await;
    assert_eq!(imports.len(), 5, "{imports:?}");
    assert!(imports.iter().all(|e| e.starts_with("key.import import:")), "{imports:?}");
}

#[tokio::test]
async fn what_is_no_list_is_refused() {
    let w = World::new().await;
    for (body, words) in [
        (json!({"text": "a", "keys": []}), "either text or keys"),
        (json!({}), "either text or keys"),
        (json!({"key": ["fk-00000001"]}), "the body is not"),
        (json!({"keys": ["fk-00000001"], "provider": "nobody"}), "there is no provider"),
        (json!({"keys": ["fk-00000001"], "provider": "oneapi_billing"}), "params.base is missing"),
        (json!({"text": "[\"fk-00000001\""}), "not JSON"),
        (json!({"keys": ["fk-00000001"], "tags": ["x".repeat(65)]}), "a tag is longer"),
    ] {
        let (status, answer) = w.post("/api/v1/keys/import", body.clone()).await;
        assert_eq!(status, 400, "{body}: {answer}");
        assert!(answer["message"].as_str().unwrap().contains(words), "{body}: {answer}");
    }
    let nothing = w.admin("POST", "/api/v1/keys/import").header("content-type", "text/plain").body(String::new());
    let (status, body) = answer(nothing).await;
    assert_eq!(status, 400, "{body}");
    assert!(body["message"].as_str().unwrap().contains("the body is empty"), "{body}");
    assert_eq!((w.count("accounts").await, w.audit().await.len()), (0, 0));
}

/// Longer than any body that is read at once: a list is read as it comes in.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_is_read_as_it_comes_in() {
    let w = World::new().await;
    let remark = format!("# {}\n", "x".repeat(1000));
    let body: String = (1..=1200).map(|n| format!("{}{}\n", remark.repeat(11), secret(n))).collect();
    assert!(body.len() > api::ApiOptions::default().body_limit);
    let request = w.admin("POST", "/api/v1/keys/import").header("content-type", "text/plain").body(body);
    let (status, body) = answer(request).await;
    assert_eq!((status, &body["data"]["success"], &body["data"]["total"]), (200, &json!(1200), &json!(1200)), "{body}");
}
