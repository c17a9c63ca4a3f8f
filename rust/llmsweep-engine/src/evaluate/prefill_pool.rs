//! The pool that prefills in disaggregated serving: levels of its own, kept by the axes that they depend on.
use llmsweep_model::arch::ModelShape;
use llmsweep_model::economics::Tariff;
use llmsweep_model::parallel::pipeline::{Cut, StageClass};
use llmsweep_model::phase::inference::times::{InferenceDevice, InferenceWork};
use llmsweep_model::phase::inference::{PrefillPool, Replica};
use llmsweep_model::reject::Reject;

use super::experts;
use super::inference::{CellTables, Passes};
use super::memo::{KeyMemo, Memo, StageMemo, stages_of};
use crate::catalog::Provenance;
use crate::context::{Context, axis};
use crate::plan::Point;

/// What the levels of a pool depend on beside the main axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    accelerator: usize,
    precision: usize,
    tensor: u32,
    expert: u32,
    context: u32,
}

/// Work and times of one pool, and the passes that its rows asked for.
struct Levels {
    work: InferenceWork,
    device: InferenceDevice,
    provenance: Provenance,
    tariff: Tariff,
    host_devices: f64,
    passes: Passes,
}

/// Every pool of a cell.
pub(super) struct PrefillPools {
    levels: KeyMemo<Key, Result<Levels, Reject>>,
    stages: StageMemo,
    prompt_flops: Memo<f64>,
}

/// How a point lays out its prefill pool.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PrefillLayout {
    /// Workers.
    pub(crate) workers: f64,
    /// Attention replicas of one.
    pub(crate) data: f64,
    /// Devices of a tensor-parallel group.
    pub(crate) tensor: u32,
    /// Devices over which experts are spread.
    pub(crate) expert: u32,
    /// Devices over which a prompt is spread, as in the decode pool.
    pub(crate) context: u32,
    /// Pipeline stages.
    pub(crate) pipeline: u32,
}

impl PrefillLayout {
    /// Of a point; what is 0 is as in the decode pool.
    #[must_use]
    pub(crate) fn of(context: &Context, point: &Point) -> Self {
        let own = |axis: usize, same: usize| match context.count(point, axis) {
            0 => context.count(point, same),
            count => count,
        };
        Self {
            workers: context.number(point, axis::PREFILL_WORKERS),
            data: f64::from(own(axis::PREFILL_DATA, axis::DATA)),
            tensor: own(axis::PREFILL_TENSOR, axis::TENSOR),
            expert: own(axis::PREFILL_EXPERT, axis::EXPERT),
            context: context.count(point, axis::CONTEXT),
            pipeline: own(axis::PREFILL_PIPELINE, axis::PIPELINE),
        }
    }

    /// Devices of all workers.
    #[must_use]
    pub(crate) fn devices(&self) -> f64 {
        self.workers * self.data * f64::from(self.tensor) * f64::from(self.context) * f64::from(self.pipeline)
    }
}

/// A pool with what its passes are kept in.
pub(super) struct Entered<'a> {
    pub(super) pool: PrefillPool<'a>,
    pub(super) tables: CellTables<'a>,
}

/// What a pool costs, and how its efficiencies are known.
#[derive(Clone, Copy)]
pub(super) struct PoolBill {
    pub(super) tariff: Tariff,
    pub(super) host_devices: f64,
    pub(super) provenance: Provenance,
}

impl PrefillPools {
    pub(super) fn new() -> Self {
        Self { levels: KeyMemo::new(), stages: StageMemo::new(), prompt_flops: Memo::new() }
    }

    /// Forgets the cell; another model's stages and FLOPs too, or those with other copies of experts.
    pub(super) fn forget(&mut self, work: bool) {
        self.levels.forget();
        if work {
            self.stages.forget();
            self.prompt_flops.forget();
        }
    }

    /// What the pool of a point costs.
    pub(super) fn bill(&mut self, context: &Context, point: &Point, shape: &ModelShape) -> Result<PoolBill, Reject> {
        let layout = PrefillLayout::of(context, point);
        let key = key(context, point, &layout);
        match self.levels.get(key, || levels(context, point, shape, key)) {
            Ok(Levels { tariff, host_devices, provenance, .. }) => {
                Ok(PoolBill { tariff: *tariff, host_devices: *host_devices, provenance: *provenance })
            }
            Err(reject) => Err(*reject),
        }
    }

    /// The pool of a point.
    pub(super) fn enter<'a>(
        &'a mut self,
        context: &'a Context,
        point: &Point,
        shape: &'a ModelShape,
    ) -> Result<Entered<'a>, Reject> {
        let layout = PrefillLayout::of(context, point);
        let key = key(context, point, &layout);
        let Self { levels: memo, stages, prompt_flops } = self;
        let held = memo.get_mut(key, || levels(context, point, shape, key)).as_mut().map_err(|reject| *reject)?;
        let stages: &[StageClass] =
            stages_of(stages, shape, Cut::even(layout.pipeline, 1)).map_err(|_| Reject::PrefillLayout)?;
        let Levels { work, device, passes, .. } = held;
        let pool = PrefillPool {
            replica: Replica { shape, work, device, engine: context.engine(point), stages, drafter: None },
            workers: layout.workers,
            data: layout.data,
            pipeline: layout.pipeline,
            same_accelerator: key.accelerator == point.index(axis::ACCELERATOR),
        };
        Ok(Entered { pool, tables: CellTables { shape, work, device, drafter: None, passes, prompt_flops } })
    }
}

fn key(context: &Context, point: &Point, layout: &PrefillLayout) -> Key {
    let (accelerator, precision) = context.prefill_pool(point);
    Key { accelerator, precision, tensor: layout.tensor, expert: layout.expert, context: layout.context }
}

fn levels(context: &Context, point: &Point, shape: &ModelShape, key: Key) -> Result<Levels, Reject> {
    let resolved =
        context.device_of(point, key.accelerator, key.precision).map_err(|_| Reject::PrefillPrecisionUnsupported)?;
    let (precision, kv) = (context.precisions[key.precision], context.kv_precision(point));
    let work =
        InferenceWork::count(shape, precision, context.quantised(point), kv, (key.tensor, key.expert, key.context))
            .map_err(|_| Reject::PrefillLayout)?;
    let accelerator = context.accelerator_of(point, key.accelerator);
    Ok(Levels {
        work,
        device: experts::device(context, point, &resolved.device, f64::from(key.expert)),
        provenance: resolved.provenance,
        tariff: Tariff::of(&accelerator, &context.operations),
        host_devices: f64::from(context.accelerators[key.accelerator].host_devices),
        passes: Passes::new(),
    })
}
