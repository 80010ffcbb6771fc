//! From text to expression, by recursive descent.

use super::function::Function;
use super::lex::{Token, tokens};
use super::path::{Path, Step, Wanted};
use super::{Expr, Operator};

/// Longer than any formula that a person could check.
const MAX_LENGTH: usize = 2_000;
/// Deeper than any formula that a person could check.
const MAX_DEPTH: usize = 64;

/// Where a formula stops making sense, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {message}")]
pub struct SyntaxFault {
    at: usize,
    message: String,
}

impl SyntaxFault {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

pub(super) fn parse(text: &str) -> Result<Expr, SyntaxFault> {
    if text.len() > MAX_LENGTH {
        return Err(SyntaxFault::new(MAX_LENGTH, "a formula of more than 2000 bytes"));
    }
    let mut parser = Parser { tokens: tokens(text)?, next: 0, end: text.chars().count() + 1, depth: 0 };
    let expr = parser.binary(0)?;
    match parser.peek() {
        None if stray_each(&expr) => {
            Err(SyntaxFault::new(1, "`[]` is every element: only sum, min, max and count take it"))
        }
        None => Ok(expr),
        Some(token) => Err(parser.fault(format!("{} is not expected here", token.shown()))),
    }
}

/// Whether `[]` stands where one value is wanted.
fn stray_each(expr: &Expr) -> bool {
    match expr {
        Expr::Path(path) => path.has_each(),
        Expr::Negate(inner) | Expr::Not(inner) => stray_each(inner),
        Expr::Binary(_, left, right) => stray_each(left) || stray_each(right),
        Expr::In(left, list) => stray_each(left) || list.iter().any(stray_each),
        Expr::Call(function, arguments) => {
            arguments.iter().any(|a| !(function.takes_list() && matches!(a, Expr::Path(_))) && stray_each(a))
        }
        Expr::Null | Expr::Bool(_) | Expr::Number(_) | Expr::Text(_) | Expr::Param(..) => false,
    }
}

/// Operators by how tightly they bind, loosest first.
const LEVELS: [&[(&str, Operator)]; 5] = [
    &[("or", Operator::Or)],
    &[("and", Operator::And)],
    &[
        ("==", Operator::Equal),
        ("!=", Operator::Unequal),
        ("<=", Operator::AtMost),
        (">=", Operator::AtLeast),
        ("<", Operator::Less),
        (">", Operator::More),
    ],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[("*", Operator::Multiply), ("/", Operator::Divide)],
];
/// The level of comparisons, at which `in` stands too.
const COMPARISON: usize = 2;

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    end: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    fn fault(&self, message: impl Into<String>) -> SyntaxFault {
        SyntaxFault::new(self.tokens.get(self.next).map_or(self.end, |(at, _)| *at), message)
    }

    /// Takes the next token if it is this sign or keyword.
    fn take(&mut self, wanted: &str) -> bool {
        let taken = match self.peek() {
            Some(Token::Sign(sign)) => *sign == wanted,
            Some(Token::Word(word)) => word == wanted,
            _ => false,
        };
        self.next += usize::from(taken);
        taken
    }

    fn expect(&mut self, wanted: &str) -> Result<(), SyntaxFault> {
        if self.take(wanted) { Ok(()) } else { Err(self.fault(format!("`{wanted}` is missing"))) }
    }

    fn binary(&mut self, level: usize) -> Result<Expr, SyntaxFault> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        loop {
            if level == COMPARISON && self.take("in") {
                self.expect("(")?;
                left = Expr::In(Box::new(left), self.list()?);
                continue;
            }
            let Some((_, operator)) = operators.iter().find(|(sign, _)| self.take(sign)) else { return Ok(left) };
            // A chain a - b - c leans left and so grows deep without recursion here, but not where it is worked out.
            self.deeper()?;
            let right = self.binary(level + 1)?;
            left = Expr::Binary(*operator, Box::new(left), Box::new(right));
        }
    }

    fn deeper(&mut self) -> Result<(), SyntaxFault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(self.fault("a formula too deep to be checked by a person")) } else { Ok(()) }
    }

    fn unary(&mut self) -> Result<Expr, SyntaxFault> {
        self.deeper()?;
        let expr = if self.take("-") {
            Expr::Negate(Box::new(self.unary()?))
        } else if self.take("not") {
            Expr::Not(Box::new(self.binary(COMPARISON)?))
        } else {
            self.atom()?
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn atom(&mut self) -> Result<Expr, SyntaxFault> {
        if self.take("(") {
            let inner = self.binary(0)?;
            self.expect(")")?;
            return Ok(inner);
        }
        let calls = matches!(self.tokens.get(self.next + 1), Some((_, Token::Sign("("))));
        match self.peek().cloned() {
            Some(Token::Number(number)) => self.literal(Expr::Number(number)),
            Some(Token::Text(text)) => self.literal(Expr::Text(text)),
            Some(Token::Word(word)) if word == "null" => self.literal(Expr::Null),
            Some(Token::Word(word)) if word == "true" || word == "false" => self.literal(Expr::Bool(word == "true")),
            Some(Token::Word(word)) if calls => self.call(&word),
            Some(Token::Word(_) | Token::Key(_) | Token::Sign("$" | "[" | "@")) => Ok(Expr::Path(self.path()?)),
            Some(token) => Err(self.fault(format!("a value is missing before {}", token.shown()))),
            None => Err(self.fault("a value is missing at the end")),
        }
    }

    fn literal(&mut self, expr: Expr) -> Result<Expr, SyntaxFault> {
        self.next += 1;
        Ok(expr)
    }

    fn call(&mut self, name: &str) -> Result<Expr, SyntaxFault> {
        if name == "param" {
            self.next += 2;
            let name = self.name()?;
            self.expect(")")?;
            let optional = self.take("?");
            return Ok(Expr::Param(name, optional));
        }
        let Some(function) = Function::named(name) else {
            return Err(self.fault(format!("there is no function `{name}`; there are {}", Function::names())));
        };
        let fault = self.fault(format!("`{name}` takes {}", function.wants()));
        self.next += 2;
        let arguments = self.list()?;
        let path_wanted = function.takes_path() && !matches!(arguments.as_slice(), [Expr::Path(_)]);
        if !function.accepts(arguments.len()) || path_wanted {
            return Err(fault);
        }
        Ok(Expr::Call(function, arguments))
    }

    /// Expressions up to the closing bracket, which is taken; the opening one has been.
    fn list(&mut self) -> Result<Vec<Expr>, SyntaxFault> {
        let mut items = Vec::new();
        if self.take(")") {
            return Ok(items);
        }
        loop {
            items.push(self.binary(0)?);
            if self.take(")") {
                return Ok(items);
            }
            self.expect(",")?;
        }
    }

    fn name(&mut self) -> Result<String, SyntaxFault> {
        match self.peek().cloned() {
            Some(Token::Word(name) | Token::Key(name)) => {
                self.next += 1;
                Ok(name)
            }
            _ => Err(self.fault("a name is missing")),
        }
    }

    /// A key, or `@` and the name of an XML attribute.
    fn key(&mut self) -> Result<Step, SyntaxFault> {
        let attribute = self.take("@");
        let name = self.name()?;
        Ok(Step::Key(if attribute { format!("@{name}") } else { name }))
    }

    fn path(&mut self) -> Result<Path, SyntaxFault> {
        let mut path = Path { from_root: self.take("$"), steps: Vec::new(), optional: false };
        if !path.from_root && !matches!(self.peek(), Some(Token::Sign("["))) {
            path.steps.push(self.key()?);
        }
        loop {
            if self.take(".") {
                path.steps.push(self.key()?);
            } else if self.take("[") {
                path.steps.push(self.selector()?);
            } else {
                break;
            }
        }
        path.optional = self.take("?");
        Ok(path)
    }

    fn selector(&mut self) -> Result<Step, SyntaxFault> {
        if self.take("]") {
            return Ok(Step::Each);
        }
        if let Some(Token::Number(number)) = self.peek() {
            let index = u16::try_from(*number).map_err(|_| self.fault("a position is a whole number"))?;
            self.next += 1;
            self.expect("]")?;
            return Ok(Step::Index(usize::from(index)));
        }
        let mut tests = Vec::new();
        loop {
            let Step::Key(key) = self.key()? else { return Err(self.fault("a key is missing")) };
            self.expect("=")?;
            tests.push((key, self.wanted()?));
            if self.take("]") {
                return Ok(Step::Where(tests));
            }
            self.expect(",")?;
        }
    }

    fn wanted(&mut self) -> Result<Wanted, SyntaxFault> {
        let wanted = match self.peek().cloned() {
            Some(Token::Text(text)) => Wanted::Text(text),
            Some(Token::Number(number)) => Wanted::Number(number),
            Some(Token::Word(word)) if word == "param" => {
                self.next += 1;
                self.expect("(")?;
                let name = self.name()?;
                self.expect(")")?;
                return Ok(Wanted::Param(name));
            }
            _ => return Err(self.fault("a 'text', a number or param(name) is missing")),
        };
        self.next += 1;
        Ok(wanted)
    }
}
