//! No secret of a channel is in any answer, whatever is asked and whatever goes wrong.

use crate::world::{Sink, World, world};
use model::{Severity, WatchKind};
use notify::{FieldKind, Form};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// A configuration with every field filled in; what is secret holds `secret`.
fn config(form: &Form, secret: &str, sink: &Sink) -> Value {
    let fields = form.fields.iter().filter(|f| !(form.kind == "apprise" && f.name == "urls"));
    let value = |f: &notify::Field| match f.kind {
        FieldKind::Url if f.secret => json!(sink.url(&format!("/hook/{secret}?key={secret}"))),
        FieldKind::Url => json!(sink.url("/")),
        FieldKind::Map => json!({ "x-key": secret }),
        FieldKind::List => json!([f.example]),
        FieldKind::Number => json!(f.example.parse::<u32>().unwrap()),
        FieldKind::Flag => json!(f.example == "true"),
        _ if f.secret => json!(secret),
        _ => json!(f.example),
    };
    Value::Object(fields.map(|f| (f.name.to_owned(), value(f))).collect::<Map<_, _>>())
}

async fn everything(w: &World, form: &Form, secret: &str, sink: &Sink) -> Vec<String> {
    let whole = config(form, secret, sink);
    let draft = |config: &Value| json!({ "name": "x", "kind": form.kind, "allow_private": true, "config": config });
    let mut broken = Vec::new();
    for field in form.fields {
        // What is no secret may be repeated.
        let text = if field.secret { secret } else { "plain" };
        for wrong in [json!([text]), json!({ "x-name": text }), json!(7)] {
            let mut config = whole.clone();
            config[field.name] = wrong;
            broken.push(draft(&config));
        }
    }
    broken.push(draft(&json!(secret)));
    broken.push(json!({ "name": "x", "url": format!("{}://{secret}/{secret}?x={secret}", form.kind) }));
    broken.push(json!({ "name": "x", "kind": "none", "config": whole }));
    let mut answers = Vec::new();
    let mut ask = async |method: &str, path: &str, body: &Value| {
        answers.push(w.ask(true, method, path, body).await.2);
    };
    ask("POST", "/channels", &draft(&whole)).await;
    for body in &broken {
        ask("PUT", "/channels/1", body).await;
        ask("POST", "/channels", body).await;
        w.wait(3);
        ask("POST", "/channels/test", body).await;
    }
    w.raise(WatchKind::Account, 1, "low_balance", Severity::Critical, 1).await;
    w.deliverer.step().await.unwrap();
    ask("POST", "/channels/1/test", &Value::Null).await;
    ask("PUT", "/channels/1", &draft(&json!({}))).await;
    for path in ["/channels", "/channels/1", "/deliveries", "/channels/1/deliveries", "/alerts/1", "/alerts"] {
        ask("GET", path, &Value::Null).await;
    }
    ask("DELETE", "/channels/1", &Value::Null).await;
    answers
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_answer_holds_a_secret(tail in "[A-Za-z0-9_-]{8,24}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let secret = format!("9Zq{tail}");
            let sink = Sink::start(400, "what is {echo}").await;
            for form in notify::FORMS {
                let w = world().await;
                for answer in everything(&w, form, &secret, &sink).await {
                    assert!(!answer.contains(&secret), "{}: {answer}", form.kind);
                }
            }
        });
    }
}
