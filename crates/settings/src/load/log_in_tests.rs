//! Users, keys and what the replaced systems called them.

use super::tests::{bad, good};
use crate::{RoleSetting, Span};

#[test]
fn log_ins_of_the_replaced_systems_are_users_and_a_key() {
    let loaded = good(
        "auth: {users: [{name: ann, password_hash: h, role: viewer}]}",
        &[
            ("ADMIN_PASSWORD", "a"),
            ("AUTH_USERNAME", "bob"),
            ("AUTH_PASSWORD", "b"),
            ("WEB_API_KEY", "k"),
            ("ENABLE_JWT", "1"),
            ("JWT_ACCESS_TOKEN_EXPIRES_HOURS", "12"),
            ("SESSION_TTL", "3600"),
        ],
    );
    let auth = &loaded.settings.auth;
    let users: Vec<_> = auth.users.iter().map(|u| (u.name.as_str(), u.password.reveal(), u.role)).collect();
    let (viewer, operator, admin) = (RoleSetting::Viewer, RoleSetting::Operator, RoleSetting::Admin);
    assert_eq!(users, [("ann", "", viewer), ("admin", "a", admin), ("bob", "b", operator)]);
    let keys: Vec<_> = auth.api_keys.iter().map(|k| (k.name.as_str(), k.key.reveal(), k.role)).collect();
    assert_eq!(keys, [("web", "k", operator)]);
    assert_eq!((auth.jwt.enabled, auth.jwt.lifetime, auth.session.lifetime), (true, Span::hours(12), Span::hours(1)));
    assert!(loaded.notices.is_empty(), "{:?}", loaded.notices);
    let alone =
        good("auth: {users: [{name: admin, password: x}]}", &[("AUTH_USERNAME", "bob"), ("ADMIN_PASSWORD", "y")]);
    assert_eq!((alone.settings.auth.users.len(), alone.notices.len()), (1, 2));
}

#[test]
fn a_credential_has_one_name_and_one_proof() {
    for (text, expected) in [
        ("users: [{name: a}]", "a.yaml:1:15: auth.users[0]: needs one of password_hash, password_file or password"),
        (
            "users: [{name: a, password: x, password_hash: y}]",
            "a.yaml:1:15: auth.users[0]: needs one of password_hash, password_file or password",
        ),
        ("api_keys: [{name: a}]", "a.yaml:1:18: auth.api_keys[0]: needs one of key or key_file"),
        (
            "users: [{name: a, password: x}, {name: a, password: y}]",
            "a.yaml:1:15: auth.users[1].name: \"a\" is there twice: also auth.users[0]",
        ),
        ("jwt: {secret: short}", "a.yaml:1:22: auth.jwt.secret: has less than 32 characters and can be guessed"),
    ] {
        assert_eq!(bad(&[("a.yaml", &format!("auth: {{{text}}}"))], &[]), [expected], "{text}");
    }
    good("auth: {users: [{name: a, password: x}], api_keys: [{name: a, key: y, role: admin}]}", &[]);
}
