//! The program: [`app`] puts the parts together, [`archive`] is a backup, [`commands`] are what a person asks for, [`demo`] is the product on a
//! simulated market, [`doctor`] looks for what is wrong with an installation, [`moving`] reads what people bring along.

pub mod app;
pub mod archive;
pub mod cli;
pub mod commands;
pub mod demo;
pub mod doctor;
pub mod logs;
pub mod moving;
mod terminal;
mod traces;
