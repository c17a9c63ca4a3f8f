//! The whole run: failures, spares, tokens per parameter, ownership, the facility's energy and carbon, and a sweep's own constants.
use crate::common::{Rows, all_rows, inference, training};

const RUN: &str = "model = \"llama3.1-8b\"\naccelerator = \"h100-sxm-80\"\ndevices = 1024\nglobal_batch = 1024\n\
     tensor_parallel = 2\n";
const SERVING: &str = "model = \"llama3.1-8b\"\naccelerator = \"h100-sxm-80\"\ntensor_parallel = 2\nconcurrency = 8\n";

fn run(axes: &str) -> Rows {
    all_rows(&training(&format!("{RUN}{axes}")))
}

fn served(axes: &str) -> Rows {
    all_rows(&inference(&format!("{SERVING}{axes}")))
}

#[track_caller]
fn close(value: f64, expected: f64) {
    assert!((value / expected - 1.0).abs() < 1e-12, "{value} is not {expected}");
}

/// Wall time is what people wait for and pay: the steps over goodput.
#[test]
fn the_wall_clock_is_paid() {
    let rows = run("device_mtbf_hours = [50_000, 500]\n");
    for row in 0..2 {
        let number = |column| rows.number(row, column);
        let steps = number("trained_tokens") / number("tokens_per_s");
        close(number("time_to_train_s"), steps / number("goodput"));
        close(number("device_hours"), number("time_to_train_s") / 3600.0 * 1024.0);
        close(number("cost_usd"), number("usd_per_hour") * number("time_to_train_s") / 3600.0);
        close(number("usd_per_million_tokens"), number("cost_usd") / 1e6);
        close(number("energy_j"), number("power_w") * number("time_to_train_s"));
        let hours_between = [50_000.0, 500.0][row] / 1024.0;
        close(number("failures"), number("time_to_train_s") / 3600.0 / hours_between);
    }
    assert!(rows.number(1, "goodput") < rows.number(0, "goodput"));
    // 14 bytes for each of the 8.03 billion parameters at 1 GB/s and device.
    close(rows.number(0, "checkpoint_write_s"), 14.0 * rows.number(0, "parameters") / 1024e9);
}

#[test]
fn spares_are_paid_and_save_time() {
    let rows = run("device_mtbf_hours = 500\nspare_devices = [0, 64]\n");
    close(rows.number(1, "usd_per_hour") / rows.number(0, "usd_per_hour"), 1088.0 / 1024.0);
    close(rows.number(1, "device_hours") * 3600.0 / rows.number(1, "time_to_train_s"), 1088.0);
    assert!(rows.number(1, "time_to_train_s") < rows.number(0, "time_to_train_s"));
    assert_eq!(rows.number(1, "tokens_per_s_per_device"), rows.number(0, "tokens_per_s_per_device"));
    assert_eq!(rows.number(1, "power_w"), rows.number(0, "power_w"));
}

#[test]
fn an_interval_is_used_as_given_or_the_best() {
    let rows = run("checkpoint_interval_s = [0, 10, 36_000]\n");
    assert_eq!(rows.number(1, "checkpoint_interval_used_s"), 10.0);
    assert_eq!(rows.number(2, "checkpoint_interval_used_s"), 36_000.0);
    assert!(rows.number(0, "checkpoint_interval_used_s") > 10.0);
    assert!(rows.number(1, "goodput") < rows.number(0, "goodput"));
    assert!(rows.number(2, "goodput") < rows.number(0, "goodput"));
}

/// Hoffmann et al. 2022, arXiv:2203.15556: 20 tokens per parameter, embeddings counted.
#[test]
fn tokens_may_follow_the_model() {
    let rows = run("tokens = 5_000_000\ntokens_per_parameter = [0, 20]\n");
    assert_eq!(rows.number(0, "trained_tokens"), 5e6);
    close(rows.number(1, "trained_tokens"), 20.0 * rows.number(1, "parameters"));
    let times = rows.number(1, "time_to_train_s") / rows.number(0, "time_to_train_s");
    close(times, 4.0 * rows.number(1, "parameters") / 1e6);
}

/// The formulas of the page, with the catalogue's constants.
#[test]
fn ownership_energy_and_carbon() {
    let rows = run("spare_devices = 8\n");
    let number = |column| rows.number(0, column);
    let hours = number("time_to_train_s") / 3600.0;
    let kilowatts = (1024.0 + 0.1 * 8.0) * 0.7 * 1.82 * 1.2;
    close(number("facility_energy_j"), kilowatts * hours * 3.6e6);
    close(number("co2_kg"), kilowatts * hours * 0.373);
    let capital = 1032.0 * 28_750.0 * 1.6 * (1.0 / 4.0 + 0.05) * hours / 8766.0 / 0.8;
    close(number("ownership_usd"), capital + kilowatts * hours * 0.08);
    let request = served("");
    let number = |column| request.number(0, column);
    let hours = 1.0 / number("requests_per_s") / 3600.0;
    let kilowatts = 2.0 * 0.7 * 1.82 * 1.2;
    close(number("facility_energy_j"), kilowatts * hours * 3.6e6);
    close(number("co2_kg"), kilowatts * hours * 0.373);
    close(number("ownership_usd"), 2.0 * 28_750.0 * 1.6 * 0.3 * hours / 8766.0 / 0.8 + kilowatts * hours * 0.08);
}

/// A part that nobody sells has no price of ownership, and what it draws is known all the same.
#[test]
fn what_is_not_sold_is_not_owned() {
    let rows = all_rows(&inference("model = \"llama3.1-8b\"\naccelerator = \"tpu-v5p\"\n"));
    assert!(rows.number(0, "feasible") > 0.0);
    assert_eq!(rows.get(0, "ownership_usd"), None);
}

#[test]
fn a_sweep_has_its_own_constants() {
    let base = run("");
    let own = run("[operations]\npue = 1\nhost_power_share = 0\nkg_co2_per_kwh = 0\nusd_per_kwh = 0.2\n");
    close(own.number(0, "facility_energy_j"), own.number(0, "energy_j"));
    assert_eq!(own.number(0, "co2_kg"), 0.0);
    assert_eq!(own.number(0, "goodput"), base.number(0, "goodput"));
    let slow = run("[operations]\nrestart_s = 3600\ncheckpoint_device_bytes_per_s = 1e6\n");
    close(slow.number(0, "checkpoint_write_s"), 1e3 * base.number(0, "checkpoint_write_s"));
    assert!(slow.number(0, "goodput") < base.number(0, "goodput"));
    let aside =
        run("[operations]\nrestart_s = 3600\ncheckpoint_device_bytes_per_s = 1e6\ncheckpoint_asynchronous_share = 1\n");
    assert!(aside.number(0, "goodput") > slow.number(0, "goodput"));
    assert_eq!(served("[operations]\nkg_co2_per_kwh = 0\n").number(0, "co2_kg"), 0.0);
}
