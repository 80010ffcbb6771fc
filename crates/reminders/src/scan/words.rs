//! The words that make a mail a bill.

use super::fold::fold;

/// What is looked for unless a mailbox says otherwise.
pub const DEFAULT_WORDS: &[&str] = &[
    // Chinese, in both scripts.
    "欠费",
    "欠費",
    "余额不足",
    "餘額不足",
    "余额预警",
    "余额提醒",
    "续费",
    "續費",
    "充值提醒",
    "扣款失败",
    "扣款失敗",
    "支付失败",
    "付款失敗",
    "账单逾期",
    "逾期未付",
    "即将到期",
    "停服",
    "停机提醒",
    // English.
    "overdue",
    "past due",
    "low balance",
    "balance is low",
    "insufficient balance",
    "insufficient funds",
    "payment failed",
    "payment declined",
    "payment was declined",
    "payment unsuccessful",
    "card was declined",
    "unable to charge",
    "out of credits",
    "renewal reminder",
    "final notice",
    "payment due",
    // Japanese.
    "残高不足",
    "残高が不足",
    "お支払い",
    "未払い",
    "未納",
    "滞納",
    "支払期限",
    "決済に失敗",
    "決済エラー",
    "決済できません",
    "引き落としができ",
    "引き落とせ",
    "更新期限",
];

/// Words to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(Vec<Word>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Word {
    given: String,
    folded: String,
}

impl Words {
    /// The given words; empty ones are left out, and without any the defaults are looked for.
    pub fn new<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> Self {
        let mut list: Vec<Word> = Vec::new();
        for word in words {
            let given = word.as_ref().trim();
            let folded = fold(given);
            if !folded.is_empty() && list.iter().all(|w| w.folded != folded) {
                list.push(Word { given: given.to_owned(), folded });
            }
        }
        if list.is_empty() { Self::default() } else { Self(list) }
    }

    /// Where the words stand first in a folded text, in the order of the list.
    pub(super) fn find(&self, folded: &str) -> Vec<(usize, &str)> {
        self.0.iter().filter_map(|w| Some((w.first_in(folded)?, w.given.as_str()))).collect()
    }
}

impl Default for Words {
    fn default() -> Self {
        let word = |given: &&str| Word { given: (*given).to_owned(), folded: fold(given) };
        Self(DEFAULT_WORDS.iter().map(word).collect())
    }
}

impl Word {
    /// Latin words are whole words: `overdue` is not in `overdues`. Others are found wherever they stand.
    fn first_in(&self, text: &str) -> Option<usize> {
        let latin = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let (head, tail) = (latin(self.folded.chars().next()), latin(self.folded.chars().next_back()));
        text.match_indices(&self.folded).map(|(at, _)| at).find(|at| {
            let before = text[..*at].chars().next_back();
            let after = text[at + self.folded.len()..].chars().next();
            !(head && latin(before) || tail && latin(after))
        })
    }
}
