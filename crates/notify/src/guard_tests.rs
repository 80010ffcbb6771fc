use super::*;

fn public(url: &str) -> Result<(), Refusal> {
    check_url(&Url::parse(url).map_err(|_| Refusal::Host("unparsable".into()))?, Reach::Public)
}

const REFUSED: &[&str] = &[
    // schemes
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "unix:///run/x.sock",
    "data:text/plain,x",
    "javascript:alert(1)",
    // this machine by name
    "http://localhost/",
    "http://LOCALHOST:8080/",
    "http://localhost./",
    "http://foo.localhost/",
    "http://localhost.localdomain/",
    "http://ip6-localhost/",
    "http://%6cocalhost/",
    "http://ｌｏｃａｌｈｏｓｔ/",
    "http://metadata.google.internal/",
    "http://printer.local/",
    // loopback and its many spellings
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.255.255.254/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0x7f.0x0.0x0.0x1/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://0177.1/",
    "http://00000000177.0.0.1/",
    "http://127.0.0.1./",
    "http://１２７.０.０.１/",
    "http://127。0。0。1/",
    "http://%31%32%37.0.0.1/",
    "http:127.0.0.1/",
    "http:\\\\127.0.0.1\\",
    "http:///127.0.0.1/",
    // unspecified, broadcast, multicast, reserved
    "http://0/",
    "http://0.0.0.0/",
    "http://0.1.2.3/",
    "http://255.255.255.255/",
    "http://4294967295/",
    "http://224.0.0.1/",
    "http://239.255.255.250:1900/",
    "http://240.0.0.1/",
    // private, CGNAT, link-local, metadata
    "http://10.0.0.1/",
    "http://10.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://3232235777/",
    "http://0xc0.0xa8.0x01.0x01/",
    "http://0300.0250.1.1/",
    "http://100.64.0.1/",
    "http://100.127.255.255/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://169.254.43518/",
    // special ranges
    "http://192.0.0.1/",
    "http://192.0.2.1/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://198.18.0.1/",
    "http://192.88.99.1/",
    // IPv6
    "http://[::]/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[0000:0000:0000:0000:0000:0000:0000:0001]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::127.0.0.1]/",
    "http://[::8.8.8.8]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[64:ff9b::8.8.8.8]/",
    "http://[64:ff9b:1::10.0.0.1]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:0a00:0001::1]/",
    "http://[2001:0:53aa:64c:0:fbff:80ff:fffe]/",
    "http://[2001:db8::1]/",
    "http://[2001:10::1]/",
    "http://[100::1]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[febf::1]/",
    "http://[fec0::1]/",
    "http://[fc00::1]/",
    "http://[fd12:3456::1]/",
    "http://[fd00:ec2::254]/",
    "http://[ff02::1]/",
    "http://[2606:4700::5efe:127.0.0.1]/",
    "http://[2606:4700::200:5efe:10.0.0.1]/",
    "http://[4000::1]/",
    // user info
    "http://user@example.com/",
    "http://user:pw@example.com/",
    "http://example.com@127.0.0.1/",
    "http://example.com%00@127.0.0.1/",
    "http://127.0.0.1@example.com/",
    "http://127.0.0.1:80\\@example.com/",
    "http://:pw@example.com/",
    "http://",
];

const ACCEPTED: &[&str] = &[
    "https://open.feishu.cn/open-apis/bot/v2/hook/x",
    "http://example.com:8080/a?b=c@d",
    "https://8.8.8.8/",
    "https://134744072/",
    "http://172.15.0.1/",
    "http://172.32.0.1/",
    "http://100.63.255.255/",
    "http://100.128.0.1/",
    "http://192.167.1.1/",
    "http://11.0.0.1/",
    "http://169.253.0.1/",
    "http://223.255.255.255/",
    "http://[2606:4700:4700::1111]/",
    "http://[::ffff:8.8.8.8]/",
    "http://127.0.0.1.example.com/",
    "http://localhost.example.com/",
    "http://xn--fiqs8s/",
];

#[test]
fn every_way_inside_is_refused_and_every_way_outside_is_open() {
    assert!(REFUSED.len() >= 60);
    for url in REFUSED {
        assert!(public(url).is_err(), "{url} was accepted");
    }
    for url in ACCEPTED {
        assert_eq!(public(url), Ok(()), "{url}");
    }
}

#[test]
fn what_is_opened_for_the_own_network_is_not_opened_for_metadata() {
    let private = |url: &str| check_url(&Url::parse(url).unwrap(), Reach::Private);
    for url in [
        "http://localhost:8080/",
        "http://127.0.0.1/",
        "http://10.0.0.1/",
        "http://192.168.1.5:8080/",
        "http://100.64.1.1/",
        "http://[::1]/",
        "http://[fd12::1]/",
        "http://[::ffff:192.168.1.1]/",
        "http://gotify.local/",
        "http://host.docker.internal/",
        "https://8.8.8.8/",
    ] {
        assert_eq!(private(url), Ok(()), "{url}");
    }
    for url in [
        "http://169.254.169.254/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://100.100.100.200/",
        "http://168.63.129.16/",
        "http://metadata.google.internal/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::10.0.0.1]/",
        "http://u:p@10.0.0.1/",
        "ftp://10.0.0.1/",
    ] {
        assert!(private(url).is_err(), "{url} was accepted");
    }
}

struct Fixed(Vec<IpAddr>);

#[async_trait]
impl Lookup for Fixed {
    async fn lookup(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(self.0.clone())
    }
}

#[tokio::test]
async fn a_name_resolves_to_its_public_addresses_only() {
    let at = |text: &str| text.parse::<IpAddr>().unwrap();
    let mixed = vec![at("10.0.0.1"), at("8.8.8.8"), at("::1"), at("2606:4700::1")];
    let resolver = GuardedResolver::new(Arc::new(Fixed(mixed)), Reach::Public);
    assert_eq!(resolver.resolve("x.example").await.unwrap(), [at("8.8.8.8"), at("2606:4700::1")]);
    let inside = GuardedResolver::new(Arc::new(Fixed(vec![at("169.254.169.254")])), Reach::Private);
    let error = inside.resolve("x.example").await.unwrap_err();
    assert_eq!(error.downcast_ref::<Refusal>(), Some(&Refusal::Address("link-local")));
    let none = GuardedResolver::new(Arc::new(Fixed(Vec::new())), Reach::Public);
    assert!(none.resolve("x.example").await.is_err());
    for literal in ["127.0.0.1", "::1", "[::1]", "0x7f.1", "localhost", "", "a b", "2130706433"] {
        assert!(resolver.resolve(literal).await.is_err(), "{literal}");
    }
}
