use beacon_kernel::Edges;

use super::*;

fn plan(strategies: usize, seeds: u64) -> Plan {
    let dataset = DataIdentity {
        name: "data".to_owned(),
        quantity: "response".to_owned(),
        units: String::new(),
        height: 4,
        width: 5,
        checksum: "0".to_owned(),
        further: Vec::new(),
    };
    let strategies = Strategy::ALL[..strategies]
        .iter()
        .map(|s| s.name().to_owned());
    Plan::new(
        dataset,
        strategies.collect(),
        seeds,
        Vec::new(),
        CampaignConfig::default(),
    )
    .unwrap()
}

#[test]
fn every_pair_of_strategy_and_seed_is_one_cell_and_numbers_lead_back_to_it() {
    for strategies in 1..=Strategy::ALL.len() {
        for seeds in 1..=12 {
            let plan = plan(strategies, seeds);
            let cells: Vec<_> = plan.cells().collect();
            assert_eq!(cells.len(), plan.cell_count());
            let pairs: std::collections::HashSet<_> = cells
                .iter()
                .map(|cell| (cell.strategy.clone(), cell.seed))
                .collect();
            assert_eq!(pairs.len(), strategies * seeds as usize);
            for (number, cell) in (1..).zip(&cells) {
                let name = CellName {
                    number,
                    of: cells.len(),
                };
                assert_eq!(&plan.cell(name).unwrap(), cell);
                assert_eq!(cell.number, number);
                assert!((1..=seeds).contains(&cell.seed));
            }
            for (number, of) in [
                (0, cells.len()),
                (cells.len() + 1, cells.len()),
                (1, cells.len() + 1),
            ] {
                assert!(plan.cell(CellName { number, of }).is_err());
            }
        }
    }
}

#[test]
fn the_first_cells_are_all_strategies_with_the_first_seed() {
    let plan = plan(3, 4);
    assert!(plan.cells().take(3).all(|cell| cell.seed == 1));
}

#[test]
fn a_plan_survives_its_file_form_which_names_no_strategy_twice() {
    let mut plan = plan(2, 3);
    plan.campaign.window = 12;
    plan.start = vec![4, 7];
    let text = toml::to_string(&plan).unwrap();
    assert_eq!(toml::from_str::<Plan>(&text).unwrap(), plan);
    assert!(!text.contains("strategy =") && !text.contains("seed ="));
}

#[test]
fn what_differs_is_named_and_the_name_of_the_data_is_not_among_it() {
    let here = plan(2, 3);
    let mut asked = plan(2, 4);
    asked.campaign.training.epochs = 2;
    asked.dataset.name = "the same elsewhere".to_owned();
    assert_eq!(
        here.differences(&asked).unwrap(),
        [
            "campaign.training.epochs is 1 there and 2 here",
            "seeds is 3 there and 4 here"
        ]
    );
    assert!(here.differences(&here).unwrap().is_empty());
}

#[test]
fn conditions_tell_settings_and_data_apart_but_not_more_seeds() {
    let (mut few, many) = (plan(2, 3), plan(4, 5));
    let same = |one: &Plan, other: &Plan| one.conditions().unwrap() == other.conditions().unwrap();
    assert!(same(&few, &many));
    few.campaign.k = 5;
    assert!(!same(&few, &many));
    few.campaign.k = many.campaign.k;
    let mut inside = many.clone();
    inside.campaign.edges = Edges::Inside;
    let mut reflect = many.clone();
    reflect.campaign.edges = Edges::Reflect;
    assert!(!same(&inside, &reflect));
    let differing = inside.differences(&reflect).unwrap();
    assert_eq!(
        differing,
        ["campaign.edges is \"inside\" there and \"reflect\" here"]
    );
    few.dataset.checksum = "1".to_owned();
    assert!(!same(&few, &many));
}

#[test]
fn a_plan_extends_those_whose_cells_it_has_under_the_same_conditions() {
    let here = plan(2, 3);
    let extends = |change: fn(&mut Plan)| {
        let mut asked = here.clone();
        change(&mut asked);
        asked.objections(&here).unwrap().is_empty()
    };
    assert!(extends(|_| ()));
    assert!(extends(|plan| plan.seeds = 4));
    assert!(extends(|plan| plan
        .strategies
        .insert(0, "other".to_owned())));
    assert!(extends(|plan| plan.strategies.reverse()));
    assert!(!extends(|plan| plan.seeds = 2));
    assert!(!extends(|plan| plan.strategies[0] = "other".to_owned()));
    assert!(!extends(|plan| plan.campaign.k = 5));
    assert!(!extends(|plan| plan.dataset.checksum = "1".to_owned()));
}

#[test]
fn a_program_that_has_finished_no_campaign_is_no_part_of_what_is_asked_next() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path();
    let with = |commands: &[(&str, &str)]| {
        let mut plan = plan(1, 2);
        for (name, command) in commands {
            plan.strategies.push((*name).to_owned());
            let other = Other::External((*command).to_owned());
            plan.others.insert((*name).to_owned(), other);
        }
        plan
    };
    StudyFolder::create(folder, &with(&[("mine", "pythn mine.py")])).unwrap();
    let asked = with(&[("better", "python mine.py")]);
    let joined = asked.clone().joined_with(folder).unwrap();
    assert_eq!(joined, asked);
    let study = StudyFolder::create(folder, &joined).unwrap();
    assert_eq!(StudyFolder::open(folder).unwrap().plan(), &asked);
    // Once it has finished one it stays.
    std::fs::write(
        study.file(&study.plan().cells_of(2..3).next().unwrap()),
        "{}",
    )
    .unwrap();
    let joined = plan(1, 2).joined_with(folder).unwrap();
    assert_eq!(joined, asked);
    assert!(StudyFolder::create(folder, &plan(1, 2)).is_err());
}

#[test]
fn a_cell_depends_on_the_order_that_it_follows_and_on_no_other() {
    let with = |orders: &[(&str, [u32; 2])]| {
        let mut plan = plan(1, 2);
        plan.campaign.steps = 2;
        for (name, order) in orders {
            plan.strategies.push((*name).to_owned());
            let orders = vec![vec![7, 8], order.to_vec()];
            plan.others
                .insert((*name).to_owned(), Other::Orders(orders));
        }
        plan
    };
    let condition = |plan: &Plan, strategy: &str, seed| {
        let cells = plan.cells();
        let mut cells = cells.filter(|cell| (&*cell.strategy, cell.seed) == (strategy, seed));
        plan.conditions_of(&cells.next().unwrap()).unwrap()
    };
    let (one, changed) = (with(&[("mine", [1, 2])]), with(&[("mine", [1, 3])]));
    let both = with(&[("mine", [1, 2]), ("theirs", [4, 5])]);
    let kernel = plan(1, 1).strategies.remove(0);
    assert_eq!(condition(&one, &kernel, 1), condition(&both, &kernel, 1));
    assert_eq!(condition(&one, "mine", 2), condition(&both, "mine", 2));
    assert_eq!(condition(&one, "mine", 1), condition(&changed, "mine", 1));
    let differing = condition(&one, "mine", 2).differences(&condition(&changed, "mine", 2));
    assert!(matches!(&differing[..], [order] if order.starts_with("order is that with checksum")));
    assert!(both.objections(&changed).unwrap().is_empty());
}

#[test]
fn campaigns_of_another_revision_of_the_algorithm_are_not_mixed_in() {
    let (here, mut older) = (plan(2, 3), plan(2, 3));
    older.algorithm = None;
    assert_ne!(here.conditions().unwrap(), older.conditions().unwrap());
    let difference = format!("algorithm is absent there and {ALGORITHM} here");
    assert_eq!(older.differences(&here).unwrap(), [difference]);
    // What was written before revisions were counted is still read, as what it is.
    let text = toml::to_string(&older).unwrap();
    assert!(!text.contains("algorithm"));
    assert_eq!(toml::from_str::<Plan>(&text).unwrap(), older);
}

/// TOML: integers are those of 64 bits with a sign.
#[test]
fn a_setting_that_the_file_form_cannot_hold_is_an_error_and_never_a_checksum() {
    let valid = plan(2, 3);
    let with = |steps| {
        let mut campaign = valid.campaign.clone();
        campaign.steps = steps;
        let (dataset, strategies) = (valid.dataset.clone(), valid.strategies.clone());
        Plan::new(dataset, strategies, 3, Vec::new(), campaign)
    };
    assert!(with(i64::MAX as usize).is_ok());
    let error = with(i64::MAX as usize + 1).unwrap_err().to_string();
    assert!(
        error.contains("cannot be written down") && error.lines().count() == 1,
        "{error}"
    );
    let mut damaged = valid.clone();
    damaged.campaign.steps = usize::MAX;
    assert!(damaged.conditions().is_err() && valid.differences(&damaged).is_err());
}

#[test]
fn cells_are_named_by_number_and_total() {
    let name: CellName = "3/50".parse().unwrap();
    assert_eq!((name.number, name.of), (3, 50));
    for wrong in ["", "3", "3/", "/50", "-1/50", "a/b", "1/2/3"] {
        assert!(wrong.parse::<CellName>().is_err(), "{wrong}");
    }
}
