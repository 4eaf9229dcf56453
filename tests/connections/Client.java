// Client.java URL PAUSE:TIMES...: sends leads with java.net.http.HttpClient, one connection for each pause, and
// then 25 MB.
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

class Client {
    static final AtomicInteger sent = new AtomicInteger();
    static final Queue<String> failures = new ConcurrentLinkedQueue<>();

    static String lead() {
        return """
            {"name": "Jean Dupont", "email": "jean@example.com", "consent": true,
             "message": "Mon compresseur ne démarre plus depuis hier.",
             "meta": {"source": "fast-techservices.com", "request_id": "%s", "ip_hash": "abc123def456",
                      "timestamp_utc": "2026-01-03T10:30:45Z"}}""".formatted(UUID.randomUUID());
    }

    static void post(HttpClient client, String url, String body, int expected, String when) {
        sent.incrementAndGet();
        HttpRequest request = HttpRequest.newBuilder(URI.create(url + "/inbound/leads"))
            .header("Authorization", "Bearer " + System.getenv("FASTCORE_TOKEN"))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body)).build();
        try {
            int status = client.send(request, HttpResponse.BodyHandlers.ofString()).statusCode();
            if (status != expected) failures.add(when + ": " + status);
        } catch (Exception error) {
            failures.add(when + ": " + error);
        }
    }

    static void lane(String url, String text) {
        String[] parts = text.split(":");
        HttpClient client = HttpClient.newHttpClient();
        post(client, url, lead(), 201, "first");
        for (int i = 0; i < Integer.parseInt(parts[1]); i++) {
            try {
                Thread.sleep((long) (Double.parseDouble(parts[0]) * 1000));
            } catch (InterruptedException stop) {
                return;
            }
            post(client, url, lead(), 201, "after " + parts[0] + " s");
        }
    }

    public static void main(String[] args) throws InterruptedException {
        List<Thread> lanes = new ArrayList<>();
        for (int i = 1; i < args.length; i++) {
            String text = args[i];
            Thread thread = new Thread(() -> lane(args[0], text));
            thread.start();
            lanes.add(thread);
        }
        for (Thread thread : lanes) thread.join();
        for (int i = 0; i < 3; i++) {
            post(HttpClient.newHttpClient(), args[0], "x".repeat(25_000_000), 413, "25 MB");
        }
        System.out.printf("Java %s HttpClient: %d requests, %d failed%n",
            Runtime.version(), sent.get(), failures.size());
        failures.stream().limit(10).forEach(System.out::println);
        System.exit(failures.isEmpty() ? 0 : 1);
    }
}
