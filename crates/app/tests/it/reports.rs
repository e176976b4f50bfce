//! Alerts from outside: a real Prometheus and a real Alertmanager report to the program, people hear
//! once that it began and once that it is over, and what the program itself told comes back in vain.

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::world::{
    Chain, PATIENCE, Program, Project, Webhook, bellwether, installed, run_to_end, until, within,
};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A server that ends with its test.
struct Server {
    child: Child,
    url: String,
    folder: tempfile::TempDir,
    client: reqwest::Client,
}

impl Server {
    /// Starts `program` of the services in a folder with these files; `None`: it is not installed.
    async fn start(
        services: &Path,
        program: &str,
        port: u16,
        files: &[(&str, String)],
        arguments: &[&str],
    ) -> Option<Self> {
        let program = services.join("bin").join(program);
        if !program.exists() {
            println!("skipped: {} is not there; `cargo xtask services up`", program.display());
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let child = Command::new(&program)
            .args(arguments)
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let server = Self { child, url: format!("http://127.0.0.1:{port}"), folder, client };
        within(PATIENCE, &format!("{} starts", program.display()), async || {
            let asked = server.client.get(format!("{}/-/ready", server.url)).send().await;
            asked.ok().filter(|answer| answer.status().is_success())
        })
        .await;
        Some(server)
    }

    async fn text(&self, path: &str) -> String {
        let answer = self.client.get(format!("{}{path}", self.url)).send().await.unwrap();
        answer.text().await.unwrap()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Everything is told to a webhook, and to an Alertmanager when there is one.
fn write(project: &Project, hook: &Webhook, alertmanager: Option<u16>) {
    let mut routes = format!(
        "[[receiver]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"{}\"\n\
         secret = {{ file = \"webhook.key\" }}\ntells_closed = true\n\n",
        hook.url()
    );
    let mut receivers = "\"hook\"".to_owned();
    if let Some(port) = alertmanager {
        routes.push_str(&format!(
            "[[receiver]]\nname = \"their-pager\"\nkind = \"alertmanager\"\n\
             url = \"http://127.0.0.1:{port}\"\n\n"
        ));
        receivers.push_str(", \"their-pager\"");
    }
    routes.push_str(&format!(
        "[[route]]\nseverity = \"info\"\nreceivers = [{receivers}]\ngroup_wait = \"1s\"\n\
         group_interval = \"1s\"\n"
    ));
    project.write("routes.toml", &routes).write("prometheus.token", TOKEN).write(
        "sources.toml",
        "[[source]]\nname = \"prometheus\"\ntoken = { file = \"prometheus.token\" }\n\n\
         [source.severities]\ntelephone = \"critical\"\n",
    );
}

async fn started(
    seed: u64,
    hook: &Webhook,
    alertmanager: Option<u16>,
) -> (Chain, Project, Program) {
    let mut chain = Chain::start(seed).await;
    let project = Project::meridian_contracts();
    chain.declare(&project);
    write(&project, hook, alertmanager);
    let mut program = Program::run(&project);
    let head = chain.everydays(2);
    program.judged(head).await;
    (chain, project, program)
}

/// The alerts that came from the source, oldest first.
async fn reported(program: &mut Program) -> Vec<Value> {
    let alerts = program.ask("alerts?monitor=prometheus").await;
    let mut alerts = alerts["items"].as_array().unwrap().clone();
    alerts.reverse();
    alerts
}

async fn reported_at_stage(program: &mut Program, stage: &str) -> Value {
    let is_there = |answer: &Value| answer["items"][0]["stage"] == stage;
    let what = format!("the report is {stage}");
    program.ask_until(PATIENCE, "alerts?monitor=prometheus", &what, is_there).await["items"][0]
        .clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prometheus_reports_once_however_often_it_repeats_and_its_end_is_told() {
    let Some(services) = installed("prometheus") else { return };
    let hook = Webhook::start().await;
    let (_chain, project, mut program) = started(91, &hook, None).await;
    let target = free_port();
    let bellwether_at = program.url().await.replace("http://", "");
    let config = json!({
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s", "scrape_timeout": "1s"},
        "rule_files": ["rules.json"],
        "scrape_configs": [{"job_name": "node", "static_configs": [{"targets": [format!("127.0.0.1:{target}")]}]}],
        "alerting": {"alertmanagers": [{
            "authorization": {"credentials": TOKEN},
            "static_configs": [{"targets": [bellwether_at]}],
        }]},
    });
    let rules = json!({"groups": [{"name": "g", "rules": [{
        "alert": "NodeDown",
        "expr": "up{job=\"node\"} == 0",
        "labels": {"severity": "telephone"},
        "annotations": {"summary": "{{ $labels.instance }} does not answer @everyone"},
    }]}]});
    let files = [("prometheus.json", config.to_string()), ("rules.json", rules.to_string())];
    let arguments = [
        "--config.file=prometheus.json",
        "--storage.tsdb.path=data",
        "--rules.alert.resend-delay=1s",
    ];
    let port = free_port();
    let Some(prometheus) = Server::start(&services, "prometheus", port, &files, &arguments).await
    else {
        return;
    };
    let open = reported_at_stage(&mut program, "open").await;
    assert_eq!((&open["state"], &open["severity"]), (&json!("reported"), &json!("critical")));
    assert_eq!((&open["network"], &open["first"]), (&Value::Null, &Value::Null));
    assert_eq!(open["report"]["source"], "prometheus");
    // It repeats itself each second; people are told once.
    let repeats = within(PATIENCE, "prometheus repeats itself", async || {
        let metrics = prometheus.text("/metrics").await;
        let sent =
            metrics.lines().find(|line| line.starts_with("prometheus_notifications_sent_total"));
        let count: f64 = sent?.rsplit(' ').next()?.parse().ok()?;
        (count >= 5.0).then_some(count)
    });
    assert!(repeats.await >= 5.0);
    assert_eq!(reported(&mut program).await.len(), 1, "{}", prometheus.log());
    assert_eq!(hook.kinds_of("prometheus"), ["opened"]);
    let told = &hook.taken()[0].body;
    assert!(!told.to_string().contains("@everyone"), "{told:#}");

    // People see where it comes from, on the page and in the terminal.
    let page = program.page(&format!("alerts/{}", open["id"].as_str().unwrap())).await;
    assert!(page.contains("Reported by") && page.contains("NodeDown"), "{page}");
    assert!(page.contains("written by prometheus") && !page.contains("a stranger"), "{page}");
    assert!(!page.contains("bellwether verdict"), "no verdict is asked for what is no finding");
    assert!(page.contains("no chain says so"), "{page}");
    let mut list = bellwether();
    list.args(["alerts", "list"]).env("BELLWETHER_FOLDER", project.path());
    let listed = run_to_end(list).await;
    assert!(listed.out.contains("from prometheus"), "{} {}", listed.out, listed.err);

    // The node answers.
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", target)).await.unwrap();
    let router = axum::Router::new().fallback(|| async { "up_again 1\n" });
    let node = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    reported_at_stage(&mut program, "resolved").await;
    until("its end is told", || hook.kinds_of("prometheus").len() > 1).await;
    program.told_everything().await;
    assert_eq!(hook.kinds_of("prometheus"), ["opened", "closed"]);
    hook.assert_identities();
    node.abort();
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alertmanager_reports_and_what_it_was_told_by_us_comes_back_in_vain() {
    let Some(services) = installed("alertmanager") else { return };
    let hook = Webhook::start().await;
    let port = free_port();
    let (_chain, _project, mut program) = started(92, &hook, Some(port)).await;
    let url = program.url().await;
    let config = json!({
        "route": {"receiver": "bellwether", "group_by": ["..."], "group_wait": "1s",
                  "group_interval": "1s", "repeat_interval": "2s"},
        "receivers": [{"name": "bellwether", "webhook_configs": [{
            "url": format!("{url}/api/v1/alertmanager"),
            "http_config": {"authorization": {"credentials": TOKEN}},
        }]}],
    });
    let arguments =
        ["--config.file=config.json", "--storage.path=data", "--cluster.listen-address="];
    let files = [("config.json", config.to_string())];
    let Some(theirs) = Server::start(&services, "alertmanager", port, &files, &arguments).await
    else {
        return;
    };
    let say = async |ends_in_s: i64| {
        let ends = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(ends_in_s);
        let alert = json!([{
            "labels": {"alertname": "DiskFull", "severity": "warning", "disk": "sda"},
            "annotations": {"summary": "sda is full"},
            "endsAt": ends.to_string(),
        }]);
        let post = theirs.client.post(format!("{}/api/v2/alerts", theirs.url)).json(&alert);
        assert!(post.send().await.unwrap().status().is_success());
    };
    say(3_600).await;
    let open = reported_at_stage(&mut program, "open").await;
    assert_eq!((&open["severity"], &open["title"]), (&json!("medium"), &json!("sda is full")));
    // We tell the same Alertmanager of it, which tells us.
    let back = within(PATIENCE, "what we told comes back", async || {
        let alerts = theirs.text("/api/v2/alerts").await;
        let is_ours = alerts.contains("bellwether_alert");
        let metrics = theirs.text("/metrics").await;
        let sent = metrics.lines().find(|line| {
            line.starts_with("alertmanager_notifications_total") && line.contains("webhook")
        });
        let count: f64 = sent?.rsplit(' ').next()?.parse().ok()?;
        // One for its own, at least two for ours.
        (is_ours && count >= 4.0).then_some(count)
    });
    assert!(back.await >= 4.0);
    program.told_everything().await;
    let known = reported(&mut program).await;
    assert_eq!(known.len(), 1, "{known:#?}\n{}", theirs.log());
    assert_eq!(hook.kinds_of("prometheus"), ["opened"]);

    say(0).await;
    reported_at_stage(&mut program, "resolved").await;
    until("its end is told", || hook.kinds_of("prometheus").len() > 1).await;
    program.told_everything().await;
    assert_eq!(hook.kinds_of("prometheus"), ["opened", "closed"]);
    assert_eq!(reported(&mut program).await.len(), 1);
    hook.assert_identities();
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_shows_no_token_or_says_nonsense_is_told_so_and_nothing_is_taken() {
    let hook = Webhook::start().await;
    let (_chain, _project, mut program) = started(93, &hook, None).await;
    let url = program.url().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = async |path: &str, token: &str, body: String| {
        let request = client.post(format!("{url}{path}")).bearer_auth(token).body(body);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let good = json!([{"labels": {"alertname": "A"}}]).to_string();
    for path in ["/api/v2/alerts", "/api/v1/alertmanager"] {
        assert_eq!(post(path, "wrong", good.clone()).await.0, 401);
        let (status, said) = post(path, TOKEN, "{".to_owned()).await;
        assert_eq!(status, 400, "{said}");
        // It may hang up before it heard all of it.
        let apart = reqwest::Client::builder().no_proxy().build().unwrap();
        let long = apart.post(format!("{url}{path}")).bearer_auth(TOKEN).body("x".repeat(3 << 20));
        assert!(long.send().await.map_or(true, |answer| answer.status().as_u16() == 413));
    }
    let (status, said) = post("/api/v2/alerts", TOKEN, json!([{"labels": {}}]).to_string()).await;
    assert_eq!(status, 400);
    assert!(said.contains("alert 0 of the request has no labels"), "{said}");
    assert!(reported(&mut program).await.is_empty());
    let (status, said) = post("/api/v2/alerts", TOKEN, good).await;
    assert_eq!(
        (status, serde_json::from_str::<Value>(&said).unwrap()["began"].clone()),
        (200, json!(1))
    );
    // On record before the answer.
    assert_eq!(reported(&mut program).await.len(), 1);
    program.stop().await;
}
