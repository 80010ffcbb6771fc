//! Signatures of requests. Pure: the instant and the nonce are arguments. Algorithms and their sources are named in
//! each file; the vectors are in `vectors.rs`.

mod aliyun;
mod aws;
mod baidu;
mod canonical;
mod huawei;
mod tencent;
mod volcengine;

#[cfg(test)]
mod vectors;

pub(crate) use canonical::{encode, query_text};

use crate::request::PreparedRequest;
use model::Timestamp;
use serde::Deserialize;

/// A signature by name, with what has to be known of the service beside the request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Signer {
    /// Alibaba Cloud RPC, HMAC-SHA1 in the query.
    AliyunRpc,
    /// Alibaba Cloud V3, ACS3-HMAC-SHA256.
    Acs3 {
        /// `x-acs-action`.
        action: String,
        /// `x-acs-version`.
        version: String,
    },
    /// Volcengine, HMAC-SHA256.
    Volcengine {
        /// Of the credential scope.
        region: String,
        /// Of the credential scope.
        service: String,
    },
    /// Tencent Cloud, TC3-HMAC-SHA256.
    Tc3 {
        /// Of the credential scope.
        service: String,
        /// `X-TC-Action`.
        action: String,
        /// `X-TC-Version`.
        version: String,
    },
    /// Huawei Cloud, SDK-HMAC-SHA256.
    Huawei,
    /// Baidu Cloud, bce-auth-v1.
    Baidu,
    /// AWS Signature Version 4.
    Sigv4 {
        /// Of the credential scope.
        region: String,
        /// Of the credential scope.
        service: String,
    },
}

/// Who signs.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// Access key id.
    pub id: &'a str,
    /// Access key secret.
    pub secret: &'a str,
    /// Session token of temporary credentials.
    pub token: Option<&'a str>,
}

impl Signer {
    /// Adds the signature, and the headers or query parameters that go with it. Every header that is already there is
    /// signed too, and the `Host`.
    pub fn sign(&self, request: &mut PreparedRequest, who: Credentials<'_>, now: Timestamp, nonce: &str) {
        match self {
            Self::AliyunRpc => aliyun::rpc(request, who, now, nonce),
            Self::Acs3 { action, version } => aliyun::acs3(request, who, action, version, now, nonce),
            Self::Volcengine { region, service } => {
                request.set_header("x-content-sha256", canonical::sha256_hex(&request.body));
                volcengine::sign(request, who, region, service, now);
            }
            Self::Tc3 { service, action, version } => {
                request.set_header("x-tc-action", action.clone());
                request.set_header("x-tc-version", version.clone());
                tencent::sign(request, who, service, &["content-type", "host", "x-tc-action"], now);
            }
            Self::Huawei => huawei::sign(request, who, now),
            Self::Baidu => baidu::sign(request, who, now),
            Self::Sigv4 { region, service } => aws::sign(request, who, region, service, now),
        }
    }
}
