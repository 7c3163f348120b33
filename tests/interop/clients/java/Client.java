import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Kafka's own Java client. See ../../README.md for what a client program does. */
public class Client {
    static final long TIMEOUT_S = 30;
    static final ObjectMapper JSON = new ObjectMapper();

    interface Step {
        Object run(String bootstrap, JsonNode request) throws Exception;
    }

    interface Action {
        void run(String topic) throws Exception;
    }

    public static void main(String[] args) throws Exception {
        Map<String, Step> steps = Map.of("codecs", (bootstrap, request) -> List.of("none", "gzip", "snappy", "lz4", "zstd"),
            "create", Client::create, "produce", Client::produce, "consume", Client::consume, "offsets", Client::offsets,
            "group", Groups::look);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        JsonNode request = JSON.readTree(in.readLine());
        if (args[0].equals("member")) {
            Member.run(args[1], request, in);
            return;
        }
        Object answer = steps.get(args[0]).run(args[1], request);
        System.out.println(JSON.writeValueAsString(answer));
    }

    static Object create(String bootstrap, JsonNode request) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            return each(names(request), topic -> await(admin.createTopics(List.of(
                new NewTopic(topic, request.get("partitions").intValue(), (short) 1))).all()));
        }
    }

    static Object produce(String bootstrap, JsonNode request) throws Exception {
        List<String> records = Files.readAllLines(Path.of(request.get("records").textValue()));
        return each(keys(request), topic -> {
            String codec = request.get("topics").get(topic).textValue();
            Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "compression.type", codec,
                "linger.ms", 20, "delivery.timeout.ms", 30_000, "request.timeout.ms", 20_000);
            try (var producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
                List<Future<RecordMetadata>> sent = new ArrayList<>();
                for (String line : records)
                    sent.add(producer.send(record(topic, request.get("partition").intValue(), JSON.readTree(line))));
                for (Future<RecordMetadata> one : sent)
                    await(one);
            }
        });
    }

    static ProducerRecord<byte[], byte[]> record(String topic, int partition, JsonNode line) {
        List<Header> headers = new ArrayList<>();
        for (JsonNode header : line.get("headers"))
            headers.add(new RecordHeader(header.get(0).textValue(), unpack(header.get(1))));
        return new ProducerRecord<>(topic, partition, line.get("timestamp").longValue(), unpack(line.get("key")),
            unpack(line.get("value")), headers);
    }

    static Object consume(String bootstrap, JsonNode request) throws Exception {
        try (var consumer = consumer(bootstrap)) {
            return each(keys(request), topic -> {
                TopicPartition partition = new TopicPartition(topic, request.get("partition").intValue());
                consumer.assign(List.of(partition));
                consumer.seek(partition, 0);
                int count = request.get("topics").get(topic).intValue();
                long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(TIMEOUT_S);
                try (BufferedWriter out = Files.newBufferedWriter(Path.of(request.get("out").textValue(), topic))) {
                    for (int seen = 0; seen < count && System.nanoTime() < deadline;)
                        for (var record : consumer.poll(Duration.ofMillis(500))) {
                            seen++;
                            out.write(JSON.writeValueAsString(line(record)));
                            out.newLine();
                        }
                }
            });
        }
    }

    static ObjectNode line(ConsumerRecord<byte[], byte[]> record) throws Exception {
        ObjectNode line = JSON.createObjectNode().put("offset", record.offset()).put("timestamp", record.timestamp())
            .put("key", pack(record.key())).put("value", pack(record.value()));
        ArrayNode headers = line.putArray("headers");
        for (Header header : record.headers())
            headers.addArray().add(header.key()).add(pack(header.value()));
        return line;
    }

    static Object offsets(String bootstrap, JsonNode request) throws Exception {
        Map<String, Object> answer = new TreeMap<>();
        try (var consumer = consumer(bootstrap); Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            for (String topic : names(request)) {
                TopicPartition partition = new TopicPartition(topic, request.get("partition").intValue());
                List<Long> found = new ArrayList<>();
                for (JsonNode timestamp : request.get("timestamps")) {
                    var one = consumer.offsetsForTimes(Map.of(partition, timestamp.longValue())).get(partition);
                    found.add(one == null ? -1 : one.offset());
                }
                var newest = admin.listOffsets(Map.of(partition, OffsetSpec.maxTimestamp())).partitionResult(partition);
                answer.put(topic, Map.of(
                    "earliest", consumer.beginningOffsets(List.of(partition)).get(partition),
                    "latest", consumer.endOffsets(List.of(partition)).get(partition),
                    "timestamps", found,
                    "max_timestamp", newest.get(TIMEOUT_S, TimeUnit.SECONDS).offset()));
            }
        }
        return answer;
    }

    static KafkaConsumer<byte[], byte[]> consumer(String bootstrap) {
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "enable.auto.commit", false,
            "fetch.max.wait.ms", 100, "default.api.timeout.ms", 30_000);
        return new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /** Topic → error, or null. */
    static Map<String, String> each(List<String> topics, Action action) {
        Map<String, String> outcomes = new TreeMap<>();
        for (String topic : topics)
            try {
                action.run(topic);
                outcomes.put(topic, null);
            } catch (Exception error) {
                outcomes.put(topic, error.toString());
            }
        return outcomes;
    }

    static void await(Future<?> future) throws Exception {
        future.get(TIMEOUT_S, TimeUnit.SECONDS);
    }

    static List<String> names(JsonNode request) {
        List<String> names = new ArrayList<>();
        request.get("topics").forEach(name -> names.add(name.textValue()));
        return names;
    }

    static List<String> keys(JsonNode request) {
        List<String> keys = new ArrayList<>();
        request.get("topics").fieldNames().forEachRemaining(keys::add);
        return keys;
    }

    static String pack(byte[] field) throws Exception {
        if (field == null)
            return null;
        if (field.length > 1024)
            return "sha256:" + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(field));
        return new String(Base64.getEncoder().encode(field), StandardCharsets.US_ASCII);
    }

    static byte[] unpack(JsonNode text) {
        return text.isNull() ? null : Base64.getDecoder().decode(text.textValue());
    }
}
