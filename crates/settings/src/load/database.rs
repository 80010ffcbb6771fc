//! `store.url` out of the database variables of the replaced systems.

use super::draft::Draft;
use super::{Origin, Sources, environment, legacy};
use crate::schema;
use url::Url;

const KEY: &str = "store.url";

/// `DB_DSN`, or else `DB_HOST` with its companions (`MYSQL_PASSWORD` stands in for `DB_PASSWORD`).
pub(crate) fn apply(draft: &mut Draft, sources: &Sources) {
    let mut get = |name: &str| legacy::look_up(name, draft, sources);
    let (dsn, host) = (get("DB_DSN"), get("DB_HOST"));
    let [port, user, password, database, stand_in] =
        ["DB_PORT", "DB_USER", "DB_PASSWORD", "DB_NAME", "MYSQL_PASSWORD"].map(&mut get);
    let parts = [&host, &port, &user, &password, &database, &stand_in];
    let Some((origin, url)) = (match (&dsn, &host) {
        (Some((name, dsn)), _) => Some((name.clone(), from_dsn(dsn))),
        (None, Some((name, host))) => {
            let text = |part: &Option<(String, String)>| part.as_ref().map(|(_, text)| text.clone());
            let password = text(&password).or_else(|| text(&stand_in)).unwrap_or_default();
            let port = text(&port).unwrap_or_else(|| "3306".into());
            let (user, database) = (text(&user).unwrap_or_else(|| "root".into()), text(&database));
            let url = match database {
                Some(database) => url(&format!("{host}:{port}"), &user, &password, &database),
                None => Err("needs DB_NAME beside it".to_owned()),
            };
            Some((name.clone(), url))
        }
        (None, None) => None,
    }) else {
        for (name, _) in parts.into_iter().flatten() {
            draft.notice(Origin::Variable(name.clone()), "recognised, not used: takes effect beside DB_HOST");
        }
        return;
    };
    let origin = Origin::Variable(origin);
    if dsn.is_some() {
        for (name, _) in parts.into_iter().flatten() {
            draft.notice(Origin::Variable(name.clone()), "recognised, not used: DB_DSN says it");
        }
    }
    let schema = schema::find(KEY).unwrap_or(&serde_json::Value::Null);
    match url.map(|url| environment::assign(KEY, schema, &url, origin.clone())) {
        Ok(Ok(assignment)) => draft.layer(vec![assignment], sources),
        Ok(Err(mut problems)) => draft.problems.append(&mut problems),
        Err(message) => draft.refuse(origin, KEY, message),
    }
}

/// A URL of Go's MySQL driver (`user:password@tcp(host:port)/name?…`) or of SQLAlchemy (`mysql+pymysql://…`).
fn from_dsn(dsn: &str) -> Result<String, String> {
    if let Some((scheme, rest)) = dsn.split_once("://") {
        let scheme = scheme.split('+').next().unwrap_or(scheme);
        return Ok(format!("{scheme}://{rest}"));
    }
    let bad = "is neither user:password@tcp(host:port)/name nor a URL";
    let (account, rest) = dsn.rsplit_once("@tcp(").ok_or(bad)?;
    let (host, rest) = rest.split_once(")/").ok_or(bad)?;
    let database = rest.split('?').next().unwrap_or(rest);
    let (user, password) = account.split_once(':').unwrap_or((account, ""));
    url(host, user, password, database)
}

fn url(host: &str, user: &str, password: &str, database: &str) -> Result<String, String> {
    let bad = || format!("{host:?} is no host and port");
    let mut url = Url::parse(&format!("mysql://{host}/")).map_err(|_| bad())?;
    url.set_path(database);
    url.set_username(user).map_err(|()| bad())?;
    url.set_password((!password.is_empty()).then_some(password)).map_err(|()| bad())?;
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dsn_becomes_a_url() {
        for (dsn, expected) in [
            (
                "tw:p@ss:w/rd@tcp(db:3307)/tidewatch?parseTime=True&loc=Local",
                "mysql://tw:p%40ss%3Aw%2Frd@db:3307/tidewatch",
            ),
            ("root@tcp(127.0.0.1:3306)/animetop", "mysql://root@127.0.0.1:3306/animetop"),
            ("mysql+pymysql://u:p@h/d", "mysql://u:p@h/d"),
            ("sqlite:///data/app.db", "sqlite:///data/app.db"),
            ("postgresql+psycopg2://u@h/d", "postgresql://u@h/d"),
        ] {
            assert_eq!(from_dsn(dsn).as_deref(), Ok(expected), "{dsn}");
        }
        assert!(from_dsn("nonsense").is_err());
        assert!(from_dsn("u:hunter2@unix(/run/db)/d").is_err_and(|message| !message.contains("hunter2")));
    }
}
