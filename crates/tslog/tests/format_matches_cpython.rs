//! Formats against the `struct` module of the Python that is installed: thousands of formats and
//! values drawn from a seed, through one Python process, compared byte for byte.
#![expect(clippy::unwrap_used, reason = "the helpers of a test may stop it")]

use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::process::{Command, Stdio};

use tslog::{Code, Format, Got, PackError, Value};

const SEED: u64 = 0x7473_6C6F_6731;
const CASES: usize = 6000;

/// Records above this are compared in size alone.
const SIZE_MAX: u32 = 4096;

/// Answers each line "format, values, record" with "size, packed, unpacked"; `no` is a refusal and
/// `-` says that there was nothing to do.
const SCRIPT: &str = r"
import struct, sys

def read(text):
    kind, text = text[0], text[1:]
    if kind == 'i': return int(text)
    if kind == 'f': return struct.unpack('<d', bytes.fromhex(text))[0]
    if kind == 'b': return bytes.fromhex(text)
    return text == 'true'

def show(value):
    if isinstance(value, bool): return 't' + str(value).lower()
    if isinstance(value, int): return 'i' + str(value)
    if isinstance(value, bytes): return 'b' + value.hex()
    return 'f' + ('nan' if value != value else struct.pack('<d', value).hex())

def answer(call, *arguments):
    try: return call(*arguments)
    except (struct.error, OverflowError, SystemError, UnicodeError): return 'no'

for line in sys.stdin:
    text, values, record = line.rstrip('\n').split('\t')
    text = bytes.fromhex(text).decode()
    size = answer(struct.calcsize, text)
    packed = unpacked = '-'
    if size != 'no' and size <= 4096:
        packed = answer(struct.pack, text, *map(read, values.split()))
        if packed != 'no': packed = 'b' + packed.hex()
        unpacked = answer(struct.unpack, text, bytes.fromhex(record))
        if unpacked != 'no': unpacked = ' '.join(map(show, unpacked))
    print(size, packed, unpacked, sep='\t')
";

/// The generator `SplitMix64`.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    /// A format, most often a good one.
    fn text(&mut self) -> String {
        let mut text = String::from(self.pick(&["", "@", "=", "<", ">", "!"]));
        for _ in 0..self.below(8) {
            if self.one_in(6) {
                text.push(self.pick(&[' ', '\t', '\n', '\x0B', '\x0C', '\r']));
            }
            // The codes without a standard size would spoil most formats that have a prefix.
            let native = !text.starts_with(['=', '<', '>', '!']);
            let codes = if native { "xcbB?hHiIlLqQefdspnNP" } else { "xcbB?hHiIlLqQefdsp" };
            let code = char::from(self.pick(codes.as_bytes()));
            match (self.below(4), code) {
                (0, 's' | 'p') => write!(text, "{}", self.below(400)).unwrap(),
                (0 | 1, _) => write!(text, "{}", self.below(12)).unwrap(),
                _ => {}
            }
            text.push(code);
        }
        if self.one_in(6) {
            let at = self.below(text.len() + 1);
            let stray = "xcbB?hHiIlLqQnNefdspP@=<>! \t0123456789zE-+.,\0\u{1C}\u{A0}\u{E9}";
            let stray: Vec<char> = stray.chars().collect();
            text.insert(at, self.pick(&stray));
        }
        if self.one_in(40) {
            let count = self.pick(&["4294967295", "4294967296", "99999999999999999999", "007"]);
            text.insert_str(self.below(text.len() + 1), count);
        }
        text
    }

    /// A value, most often one that `code` takes.
    fn value(&mut self, code: Code) -> Value<'static> {
        let letter =
            if self.one_in(60) { self.pick(&['c', 'Q', 'd', 's', '?']) } else { code.letter };
        match letter {
            'c' => Value::Bytes(self.bytes(1).leak()),
            's' | 'p' => {
                let length = self.below(usize::try_from(code.size).unwrap() + 3);
                Value::Bytes(self.bytes(length).leak())
            }
            'e' | 'f' | 'd' => self.number(letter),
            '?' => match self.below(4) {
                0 => Value::Float(self.pick(&[0.0, -0.0, 0.5, f64::NAN])),
                1 => Value::Bytes(self.pick(&[b"", b"\0"])),
                2 => Value::Int(self.pick(&[0, -1])),
                _ => Value::Bool(self.one_in(2)),
            },
            _ => self.integer(letter.is_ascii_lowercase(), 8 * code.size.clamp(1, 8)),
        }
    }

    fn integer(&mut self, signed: bool, bits: u32) -> Value<'static> {
        let span = 1_i128 << bits;
        let least = if signed { -span / 2 } else { 0 };
        let value = match self.below(60) {
            0 => least - 1,
            1 => least + span,
            2..=9 => least,
            10..=17 => least + span - 1,
            18 => i128::from(self.next().cast_signed()),
            19 => return Value::Bool(self.one_in(2)),
            _ => least + i128::from(self.next() >> (64 - bits)),
        };
        match (i64::try_from(value), u64::try_from(value)) {
            (Ok(value), Ok(_)) if self.one_in(2) => Value::Int(value),
            (_, Ok(value)) => Value::Uint(value),
            (Ok(value), _) => Value::Int(value),
            _ => Value::Bool(false),
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "some values are to be exact as f32")]
    fn number(&mut self, letter: char) -> Value<'static> {
        let edge = f64::from(f32::MAX) + 2_f64.powi(103);
        let sign = self.pick(&[1.0, -1.0]);
        Value::Float(match self.below(24) {
            0 => sign * self.pick(&[65504.0, 65519.99, 65520.0_f64.next_down(), 65520.0]),
            1 if letter != 'e' => sign * self.pick(&[edge, edge.next_down(), f32::MAX.into()]),
            2 => sign * self.pick(&[0.0, f64::INFINITY, f64::NAN, f64::MIN_POSITIVE]),
            3 => sign * self.pick(&[5.96e-8, 2.98e-8, 2.99e-8, 6.1e-5, 1e-45, 7e-46, 1.17e-38]),
            4 | 5 if letter == 'd' => {
                let value = f64::from_bits(self.next());
                if value.is_nan() { f64::NAN } else { value }
            }
            6 => return Value::Int(self.next().cast_signed() >> self.pick(&[0, 49, 60])),
            7 => return Value::Uint(self.next() >> self.pick(&[0, 48, 60])),
            8 => return Value::Bool(true),
            9..12 => f64::from((sign * f64::from_bits(self.next() >> 12 | 1023 << 52)) as f32),
            // Halves have 11 bits: values on and beside the middle between two of them.
            12..15 => sign * (f64::from_bits((self.next() >> 53 << 41) | 1023 << 52)),
            exponent => {
                let scale = 2_f64.powi(i32::try_from(exponent).unwrap() * 2 - 34);
                sign * scale * f64::from_bits(self.next() >> 12 | 1023 << 52)
            }
        })
    }
}

/// What one line asks Python, and what this crate says.
struct Case {
    text: String,
    values: Vec<Value<'static>>,
    record: Vec<u8>,
}

impl Case {
    fn draw(random: &mut Random) -> Self {
        let text = random.text();
        let (mut values, mut record) = (Vec::new(), Vec::new());
        if let Ok(format) = Format::new(&text)
            && format.size() <= SIZE_MAX
        {
            values = format.codes().map(|code| random.value(code)).collect();
            match random.below(60) {
                0 => values.push(Value::Int(1)),
                1 => drop(values.pop()),
                _ => {}
            }
            record = random.bytes(usize::try_from(format.size()).unwrap());
        }
        Self { text, values, record }
    }

    /// The same case in the resolved format, if the format is good.
    fn resolved(&self) -> Option<Self> {
        let text = Format::new(&self.text).ok()?.to_string();
        Some(Self { text, values: self.values.clone(), record: self.record.clone() })
    }

    fn pack(&self) -> Result<Vec<u8>, PackError> {
        let format = Format::new(&self.text).unwrap();
        let mut record = vec![0xAA; usize::try_from(format.size()).unwrap()];
        format.pack(&self.values, &mut record).map(|()| record)
    }

    fn question(&self) -> String {
        let values: Vec<_> = self.values.iter().map(|value| show(*value, false)).collect();
        let (text, record) = (hex(self.text.as_bytes()), hex(&self.record));
        format!("{text}\t{}\t{record}\n", values.join(" "))
    }

    /// What Python has to answer.
    fn expected(&self) -> [String; 3] {
        let no = || String::from("no");
        let Ok(format) = Format::new(&self.text) else {
            return [no(), "-".into(), "-".into()];
        };
        let size = format.size().to_string();
        if format.size() > SIZE_MAX {
            return [size, "-".into(), "-".into()];
        }
        let packed = self.pack().map_or_else(|_| no(), |bytes| show(Value::Bytes(&bytes), true));
        let values: Vec<_> = format.unpack(&self.record).map(|value| show(value, true)).collect();
        [size, packed, values.join(" ")]
    }
}

/// A value as the script reads and writes it; `any_nan` hides which NaN it is, for Python has
/// changed its mind about that.
fn show(value: Value, any_nan: bool) -> String {
    match value {
        Value::Bool(value) => format!("t{value}"),
        Value::Bytes(bytes) => format!("b{}", hex(bytes)),
        Value::Float(value) if any_nan && value.is_nan() => "fnan".into(),
        Value::Float(value) => format!("f{:016x}", value.to_bits().swap_bytes()),
        Value::Int(value) => format!("i{value}"),
        Value::Uint(value) => format!("i{value}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Python's answers, one a case; `None` if there is no Python here.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn ask_python(cases: &[Case]) -> Option<Vec<[String; 3]>> {
    let mut command = Command::new("python3");
    command.args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let python = command.spawn();
    if python.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        let must = std::env::var("CI").is_ok_and(|value| value == "true");
        assert!(!must, "python3 is missing: apt-get install python3");
        eprintln!("skipped: python3 is missing; apt-get install python3");
        return None;
    }
    let mut python = python.unwrap();
    let mut stdin = python.stdin.take().unwrap();
    let questions: String = cases.iter().map(Case::question).collect();
    let writer = std::thread::spawn(move || stdin.write_all(questions.as_bytes()));
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "the script failed");
    writer.join().unwrap().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let answer = |line: &str| {
        let parts: Vec<_> = line.split('\t').map(String::from).collect();
        <[String; 3]>::try_from(parts).unwrap()
    };
    Some(lines.lines().map(answer).collect())
}

#[test]
fn size_bytes_values_and_refusals_are_those_of_cpython() {
    let mut random = Random(SEED);
    let mut cases: Vec<Case> = (0..CASES).map(|_| Case::draw(&mut random)).collect();
    let resolved: Vec<Case> = cases.iter().filter_map(Case::resolved).collect();
    cases.extend(resolved);
    let Some(answers) = ask_python(&cases) else { return };
    assert_eq!(answers.len(), cases.len());

    let (mut packed, mut refused, mut bad, mut narrowed) = (0, 0, 0, 0);
    for (case, answer) in cases.iter().zip(&answers) {
        let text = &case.text;
        let [size, bytes, values] = case.expected();
        let [python_size, python_bytes, python_values] = answer;
        if let Ok(python_size) = python_size.parse::<u64>()
            && python_size > u64::from(u32::MAX)
        {
            assert_eq!(size, "no", "{text:?} is longer than a record can be");
            continue;
        }
        assert_eq!(&size, python_size, "size of {text:?}");
        if has_empty_pascal(text) {
            continue;
        }
        if bytes == "no" && python_bytes != "no" && is_narrower(case) {
            narrowed += 1;
        } else {
            assert_eq!(&bytes, python_bytes, "{text:?} of {:?}: {:?}", case.values, case.pack());
        }
        assert_eq!(&values, python_values, "{text:?} from {:?}", case.record);
        match (size.as_str(), bytes.as_str()) {
            ("no", _) => bad += 1,
            (_, "no") => refused += 1,
            _ => packed += 1,
        }
    }
    let enough = packed > 5000 && refused > 500 && bad > 500 && narrowed > 5;
    assert!(enough, "{packed} packed, {refused} refused, {bad} bad formats, {narrowed} narrowed");
}

/// True for `0p`: Python writes the length of such a value over its neighbour, and cannot read it.
fn has_empty_pascal(text: &str) -> bool {
    Format::new(text).is_ok_and(|format| {
        let empty = |code: Code| code.letter == 'p' && code.size == 0;
        format.size() <= SIZE_MAX && format.codes().any(empty)
    })
}

/// True for the two refusals of native formats that `Format` documents: a float that a native `f`
/// turns into infinity, and a negative `P`.
fn is_narrower(case: &Case) -> bool {
    let native = !case.text.starts_with(['=', '<', '>', '!']);
    let Err(PackError::Value { code, got, .. }) = case.pack() else { return false };
    native
        && match got {
            Got::Float(_) => code == 'f',
            Got::Int(value) => code == 'Q' && value < 0 && case.text.contains('P'),
            Got::Bool(_) | Got::Bytes(_) | Got::Uint(_) => false,
        }
}

#[test]
fn a_resolved_format_resolves_to_itself_and_means_the_same_bytes() {
    let mut random = Random(SEED ^ 1);
    let mut seen = 0;
    for _ in 0..CASES {
        let case = Case::draw(&mut random);
        let Some(resolved) = case.resolved() else { continue };
        let (format, again) =
            (Format::new(&case.text).unwrap(), Format::new(&resolved.text).unwrap());
        assert_eq!(again.to_string(), resolved.text, "from {:?}", case.text);
        assert_eq!(again, format, "{:?} and {:?}", case.text, resolved.text);
        assert_eq!((again.size(), again.values()), (format.size(), format.values()));
        if format.size() > SIZE_MAX {
            continue;
        }
        assert!(again.codes().eq(format.codes()), "{:?} and {:?}", case.text, resolved.text);
        assert_eq!(resolved.pack(), case.pack(), "{:?} and {:?}", case.text, resolved.text);
        assert_eq!(resolved.expected(), case.expected());
        seen += 1;
    }
    assert!(seen > CASES / 2, "{seen} good formats");
}
