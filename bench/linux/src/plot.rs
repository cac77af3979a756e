//! The plot: four panels of bars on logarithmic scales, out of what was measured. On linear ones
//! the slowest peer would leave the others without a bar.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::groups::{commits, read, unsynced};
use crate::peers::Kind;
use crate::results::{Case, Results};

const WIDTH: u32 = 960;
const ROW: i32 = 18;
/// Where the bars begin, right of the names.
const LEFT: i32 = 100;
/// The longest bar; its number stands behind it.
const LONGEST: f64 = 300.0;

/// A panel: its title, where its values are, what divides them, and whether less is better.
struct Panel<'a> {
    title: &'a str,
    case: Case<'a>,
    metric: &'a str,
    unit: f64,
    less: bool,
}

const PANELS: [Panel<'_>; 4] = [
    Panel {
        title: "durable commit of 16 x 16 bytes, us, log scale (less is better)",
        case: (commits::NAME, "16/16"),
        metric: "us",
        unit: 1.0,
        less: true,
    },
    Panel {
        title: "written by that commit, KiB, log scale (less is better)",
        case: (commits::NAME, "16/16"),
        metric: "kib",
        unit: 1.0,
        less: true,
    },
    Panel {
        title: "storing 16 bytes without a sync, M records/s, log scale",
        case: (unsynced::NAME, "16"),
        metric: "rate",
        unit: 1e6,
        less: false,
    },
    Panel {
        title: "reading 16 bytes in commits of 1024, M records/s, log scale",
        case: (read::NAME, "16/1024"),
        metric: "batches",
        unit: 1e6,
        less: false,
    },
];

/// The plot as SVG.
pub fn draw(results: &Results) -> Result<String, String> {
    let mut svg = String::new();
    let rows = i32::try_from(Kind::ALL.len()).map_err(|error| error.to_string())?;
    let height = 2 * (rows + 3) * ROW;
    {
        let size = (WIDTH, height.unsigned_abs());
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let drawn = area.fill(&WHITE).and_then(|()| {
            let areas = area.split_evenly((2, 2));
            areas.iter().zip(&PANELS).try_for_each(|(area, panel)| panel.draw(area, results))?;
            area.present()
        });
        drawn.map_err(|error| error.to_string())?;
    }
    Ok(svg)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

impl Panel<'_> {
    fn draw(&self, area: &Area<'_>, results: &Results) -> Drawn {
        let value = |&kind: &Kind| {
            let value = results.median(self.case, kind, self.metric)?;
            Some((kind, value / self.unit))
        };
        let mut bars: Vec<(Kind, f64)> = Kind::ALL.iter().filter_map(value).collect();
        bars.sort_by(|one, other| one.1.total_cmp(&other.1));
        if !self.less {
            bars.reverse();
        }
        let least = bars.iter().map(|bar| bar.1).fold(f64::INFINITY, f64::min);
        let most = bars.iter().map(|bar| bar.1).fold(f64::MIN_POSITIVE, f64::max);
        // From the power of ten below the shortest bar on.
        let origin = least.log10().ceil() - 1.0;
        let scale = LONGEST / (most.log10() - origin);
        let style = TextStyle::from(("sans-serif", 12).into_font());
        area.draw_text(self.title, &style, (LEFT, 4))?;
        let right = style.pos(Pos::new(HPos::Right, VPos::Center));
        let left = style.pos(Pos::new(HPos::Left, VPos::Center));
        for ((kind, value), row) in bars.into_iter().zip(1..) {
            let middle = row * ROW + ROW / 2 + 8;
            #[expect(clippy::cast_possible_truncation, reason = "a bar is within the picture")]
            let end = LEFT + ((value.log10() - origin) * scale).max(1.0) as i32;
            let color = match kind {
                Kind::Tslog => RGBColor(0, 100, 170),
                kind if kind.is_baseline() => RGBColor(200, 200, 200),
                _ => RGBColor(150, 170, 190),
            };
            area.draw_text(kind.name(), &right, (LEFT - 6, middle))?;
            let corners = [(LEFT, middle - 6), (end, middle + 6)];
            area.draw(&Rectangle::new(corners, color.filled()))?;
            area.draw_text(&format!("{value:.1}"), &left, (end + 5, middle))?;
        }
        Ok(())
    }
}
