"""Verifies DPoP proofs, one per line on stdin, with PyJWT and cryptography. Usage: pyjwt_dpop.py METHOD URL"""

import sys

import jwt

method, url = sys.argv[1:]
count = 0
for line in sys.stdin:
    token = line.strip()
    header = jwt.get_unverified_header(token)
    assert header["typ"] == "dpop+jwt", header
    assert set(header["jwk"]) == {"crv", "kty", "x", "y"}, header
    key = jwt.PyJWK.from_dict(header["jwk"], algorithm="ES256")
    options = {"verify_iat": False, "require": ["iat", "jti"]}
    claims = jwt.decode(token, key.key, algorithms=["ES256"], options=options)
    assert (claims["htm"], claims["htu"]) == (method, url), claims
    assert len(token.split(".")[2]) == 86, "a raw signature is 64 bytes"
    count += 1
assert count > 0, "no proof on stdin"
