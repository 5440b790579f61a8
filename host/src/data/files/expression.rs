//! Expressions of one variable, as axes of `HyperSpy` that follow from others have them.

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ExpressionError {
    /// It is not written as one.
    #[error(
        "`{0}` is not understood; known are numbers, names, + - * / ** ( ), exp, log, sqrt, sin, cos, tan and abs"
    )]
    Syntax(String),
    /// It is nested too deeply.
    #[error("its brackets are nested too deeply")]
    Nested,
    /// It names what is not there.
    #[error("nothing is called `{0}`")]
    Name(String),
    /// It would have more values than any axis.
    #[error("{0} values are more than any axis has")]
    Long(usize),
    /// The axis that it follows from is not there.
    #[error("the axis that it follows from is missing")]
    NoAxis,
}

/// An expression.
pub(super) enum Expression {
    Number(f64),
    Name(String),
    Of(Function, Box<Self>),
    Two(fn(f64, f64) -> f64, Box<Self>, Box<Self>),
}

/// A function of one number.
type Function = fn(f64) -> f64;

/// Brackets, signs and powers within each other.
const DEEPEST: usize = 64;
/// Characters, more than any law of an instrument takes.
const LONGEST: usize = 1024;

const FUNCTIONS: [(&str, Function); 9] = [
    ("exp", f64::exp),
    ("log", f64::ln),
    ("ln", f64::ln),
    ("log10", f64::log10),
    ("sqrt", f64::sqrt),
    ("sin", f64::sin),
    ("cos", f64::cos),
    ("tan", f64::tan),
    ("abs", f64::abs),
];

impl Expression {
    /// # Errors
    /// When the text is no expression.
    pub(super) fn parse(text: &str) -> Result<Self, ExpressionError> {
        if text.len() > LONGEST {
            return Err(ExpressionError::Nested);
        }
        let mut rest = Rest { text, depth: 0 };
        let parsed = rest.sum()?;
        if rest.text.trim_start().is_empty() {
            Ok(parsed)
        } else {
            Err(rest.wrong())
        }
    }

    /// The value, with those of names.
    ///
    /// # Errors
    /// When a name has none.
    pub(super) fn value(&self, of: &dyn Fn(&str) -> Option<f64>) -> Result<f64, ExpressionError> {
        Ok(match self {
            Self::Number(value) => *value,
            Self::Name(name) => {
                of(name).ok_or_else(|| ExpressionError::Name(super::plain(name)))?
            }
            Self::Of(function, inner) => function(inner.value(of)?),
            Self::Two(function, left, right) => function(left.value(of)?, right.value(of)?),
        })
    }
}

/// What is still to be parsed.
struct Rest<'a> {
    text: &'a str,
    depth: usize,
}

impl Rest<'_> {
    fn wrong(&self) -> ExpressionError {
        ExpressionError::Syntax(super::plain(self.text.trim()))
    }

    fn takes(&mut self, sign: &str) -> bool {
        let text = self.text.trim_start();
        match text.strip_prefix(sign) {
            // A product is no beginning of a power.
            Some(rest) if !(sign == "*" && rest.starts_with('*')) => {
                self.text = rest;
                true
            }
            _ => false,
        }
    }

    fn sum(&mut self) -> Result<Expression, ExpressionError> {
        let mut sum = self.product()?;
        loop {
            let function: fn(f64, f64) -> f64 = if self.takes("+") {
                |a, b| a + b
            } else if self.takes("-") {
                |a, b| a - b
            } else {
                return Ok(sum);
            };
            sum = Expression::Two(function, Box::new(sum), Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Result<Expression, ExpressionError> {
        let mut product = self.signed()?;
        loop {
            let function: fn(f64, f64) -> f64 = if self.takes("*") {
                |a, b| a * b
            } else if self.takes("/") {
                |a, b| a / b
            } else {
                return Ok(product);
            };
            product = Expression::Two(function, Box::new(product), Box::new(self.signed()?));
        }
    }

    fn signed(&mut self) -> Result<Expression, ExpressionError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(ExpressionError::Nested);
        }
        let parsed = if self.takes("-") {
            Expression::Of(|value| -value, Box::new(self.signed()?))
        } else if self.takes("+") {
            self.signed()?
        } else {
            self.power()?
        };
        self.depth -= 1;
        Ok(parsed)
    }

    fn power(&mut self) -> Result<Expression, ExpressionError> {
        let base = self.atom()?;
        if self.takes("**") || self.takes("^") {
            let exponent = self.signed()?;
            return Ok(Expression::Two(
                f64::powf,
                Box::new(base),
                Box::new(exponent),
            ));
        }
        Ok(base)
    }

    fn atom(&mut self) -> Result<Expression, ExpressionError> {
        if self.takes("(") {
            let inner = self.sum()?;
            return if self.takes(")") {
                Ok(inner)
            } else {
                Err(self.wrong())
            };
        }
        self.text = self.text.trim_start();
        let text = self.text;
        if text.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return self.number();
        }
        let is_of_name = |c: char| c.is_alphanumeric() || c == '_';
        let name = &text[..text.find(|c| !is_of_name(c)).unwrap_or(text.len())];
        if name.is_empty() {
            return Err(self.wrong());
        }
        let wrong = self.wrong();
        self.text = &text[name.len()..];
        if self.takes("(") {
            let function = FUNCTIONS.iter().find(|(known, _)| *known == name);
            let (_, function) = function.ok_or(wrong)?;
            let inner = self.sum()?;
            return if self.takes(")") {
                Ok(Expression::Of(*function, Box::new(inner)))
            } else {
                Err(self.wrong())
            };
        }
        Ok(if name == "pi" {
            Expression::Number(std::f64::consts::PI)
        } else {
            Expression::Name(name.to_owned())
        })
    }

    fn number(&mut self) -> Result<Expression, ExpressionError> {
        let text = self.text;
        let digits = |text: &str| {
            let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
            end.unwrap_or(text.len())
        };
        let mut end = digits(text);
        if let Some(exponent) = text[end..].strip_prefix(['e', 'E']) {
            let sign = usize::from(exponent.starts_with(['+', '-']));
            let length = digits(&exponent[sign..]);
            if length > 0 {
                end += 1 + sign + length;
            }
        }
        let value = text[..end].parse().map_err(|_| self.wrong())?;
        self.text = &text[end..];
        Ok(Expression::Number(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<f64, ExpressionError> {
        let of = |name: &str| {
            [("x", 2.0), ("a0", 3.0)]
                .into_iter()
                .find(|(known, _)| *known == name)
        };
        Expression::parse(text)?.value(&|name| of(name).map(|(_, value)| value))
    }

    /// As Python has them.
    #[test]
    fn expressions_have_the_values_that_python_gives_them() {
        for (text, expected) in [
            ("1239.84/x", 619.92),
            ("a0 + x * 2 - 1", 6.0),
            ("-x ** 2", -4.0),
            ("2 ** 3 ** x", 512.0),
            ("2 ** -1", 0.5),
            ("(a0 - x) / (a0 + x) / 2", 0.1),
            ("1.5e-1 * x", 0.3),
            ("sqrt(x * 8) + exp(0) + log(1)", 5.0),
            ("2 * pi", std::f64::consts::TAU),
        ] {
            let found = value(text).unwrap();
            assert!((found - expected).abs() < 1e-12, "{text}: {found}");
        }
    }

    #[test]
    fn what_is_no_expression_is_named() {
        for (text, told) in [
            ("x y", "`y`"),
            ("", "``"),
            ("__import__('os')", "`__import__('os')`"),
            ("1 +", "``"),
            ("(x", "``"),
            ("1.2.3", "`1.2.3`"),
            ("q", "nothing is called `q`"),
            (&"(".repeat(500), "nested"),
            (&"-".repeat(500), "nested"),
            (&"1+".repeat(5000), "nested"),
        ] {
            let message = value(text).unwrap_err().to_string();
            assert!(message.contains(told), "{text}: {message}");
        }
    }
}
