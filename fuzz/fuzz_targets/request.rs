//! Any request is answered, and never with a status of 5xx.
#![no_main]

use std::cell::RefCell;
use std::sync::{Arc, LazyLock};

use actix_web::http::Method;
use actix_web::{App, test, web};
use bailiwick::analysis::Comparer;
use bailiwick::http::{self, AppState, Aside, Limits, Part};
use bailiwick::registration::{self, TokenHasher};
use bailiwick::telemetry::Metrics;
use bailiwick::reload::{Analyst, Options, Reloader};
use bailiwick::source::{Directory, FileSystem};
use libfuzzer_sys::fuzz_target;

/// Whatever is served.
static OPERATIONS: LazyLock<Vec<(Method, &str)>> = LazyLock::new(|| http::operations().collect());

struct Scene {
    system: actix_web::rt::SystemRunner,
    state: web::Data<AppState>,
}

fn scene() -> Scene {
    let system = actix_web::rt::System::new();
    let hasher = TokenHasher::new();
    let of_loader = hasher.clone();
    let loader = move |file: &Arc<str>, bytes: &[u8]| registration::load(file, bytes, &of_loader);
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/registrations");
    let sources = vec![Arc::new(Directory::new(examples, FileSystem::default())) as _];
    let options = Options::new("example.com".parse().expect("a server name"), sources, Arc::new(loader));
    let metrics = Metrics::new();
    let reloader = Reloader::start(options, &metrics).expect("a thread");
    let comparer = Arc::new(Comparer::new().expect("threads"));
    let aside = Arc::new(Aside::start().expect("threads"));
    let analyst = Analyst::start(reloader.live(), Arc::clone(&comparer), &metrics).expect("a thread");
    while analyst.latest().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let state = AppState::new(reloader, analyst, comparer, aside, metrics, hasher, Limits::default());
    Scene { system, state: web::Data::new(state) }
}

thread_local! {
    static SCENE: RefCell<Scene> = RefCell::new(scene());
}

fuzz_target!(|input: (u8, &str, &[u8])| {
    let (operation, query, body) = input;
    SCENE.with_borrow_mut(|Scene { system, state }| {
        system.block_on(async {
            let app = test::init_service(App::new().configure(|config| http::configure(state, config, Part::Everything)));
            let app = app.await;
            let query: String = query.chars().filter(|c| c.is_ascii_graphic() && *c != '#').collect();
            let (method, path) = &OPERATIONS[usize::from(operation) % OPERATIONS.len()];
            let uri = format!("{path}?{query}");
            let Ok(uri) = uri.parse::<actix_web::http::Uri>() else { return };
            let request = test::TestRequest::with_uri(&uri.to_string()).method(method.clone());
            let request = request.set_payload(body.to_vec()).to_request();
            let response = test::call_service(&app, request).await;
            assert!(!response.status().is_server_error(), "{uri} {body:?}: {}", response.status());
        });
    });
});
