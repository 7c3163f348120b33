import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

import com.fasterxml.jackson.databind.JsonNode;

import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** A member of a group, until its standard input ends. */
final class Member implements ConsumerRebalanceListener {
    private final KafkaConsumer<byte[], byte[]> consumer;
    /** Read, and not committed yet: what a rebalance refuses is committed after it. */
    private final Map<TopicPartition, OffsetAndMetadata> open = new HashMap<>();
    private volatile boolean isOver;

    private Member(KafkaConsumer<byte[], byte[]> consumer) {
        this.consumer = consumer;
    }

    static void run(String bootstrap, JsonNode request, BufferedReader in) throws IOException {
        try (var consumer = new KafkaConsumer<>(config(bootstrap, request), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            Member member = new Member(consumer);
            Thread watch = new Thread(() -> member.isOver = awaitEnd(in));
            watch.setDaemon(true);
            watch.start();
            consumer.subscribe(List.of(request.get("topic").textValue()), member);
            while (!member.isOver)
                member.turn();
        }
        say(Map.of("left", true));
    }

    private static Map<String, Object> config(String bootstrap, JsonNode request) {
        Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", bootstrap,
            "group.id", request.get("group").textValue(), "enable.auto.commit", false, "auto.offset.reset", "earliest",
            "fetch.max.wait.ms", 100, "max.poll.records", 100, "default.api.timeout.ms", 10_000,
            "max.poll.interval.ms", 20_000,
            // Brokers may stand still.
            "request.timeout.ms", 8_000));
        if (request.hasNonNull("instance"))
            config.put("group.instance.id", request.get("instance").textValue());
        String protocol = request.get("protocol").textValue();
        config.put("group.protocol", protocol);
        if (protocol.equals("classic")) {
            int session = request.get("session_ms").intValue();
            config.put("session.timeout.ms", session);
            config.put("heartbeat.interval.ms", session / 6);
            String name = request.get("assignor").textValue().equals("range") ? "Range" : "CooperativeSticky";
            config.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer." + name + "Assignor");
        }
        return config;
    }

    private void turn() throws IOException {
        ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(100));
        List<Object> read = new ArrayList<>();
        for (var record : records) {
            read.add(List.of(record.partition(), record.offset(), new String(record.value(), StandardCharsets.UTF_8)));
            open.put(new TopicPartition(record.topic(), record.partition()),
                new OffsetAndMetadata(record.offset() + 1, record.leaderEpoch(), ""));
        }
        if (!read.isEmpty())
            say(Map.of("read", read));
        if (!open.isEmpty())
            commit();
    }

    private void commit() {
        Map<Integer, Long> committed = new TreeMap<>();
        open.forEach((partition, offset) -> committed.put(partition.partition(), offset.offset()));
        try {
            consumer.commitSync(open);
            open.clear();
            say(Map.of("committed", committed));
        } catch (KafkaException error) {
            // Nothing unusual while members come and go.
            say(Map.of("uncommitted", error.toString()));
        }
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> added) {
        own(consumer.assignment());
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> removed) {
        open.keySet().removeAll(removed);
        var left = new ArrayList<>(consumer.assignment());
        left.removeAll(removed);
        own(left);
    }

    private void own(Collection<TopicPartition> partitions) {
        var numbers = new TreeSet<Integer>();
        partitions.forEach(partition -> numbers.add(partition.partition()));
        var metadata = consumer.groupMetadata();
        say(Map.of("owns", numbers, "member", metadata.memberId(), "generation", metadata.generationId()));
    }

    private static boolean awaitEnd(BufferedReader in) {
        try {
            while (in.readLine() != null)
                ;
        } catch (IOException error) {
            // An end, too.
        }
        return true;
    }

    private static void say(Object event) {
        try {
            System.out.println(Client.JSON.writeValueAsString(event));
            System.out.flush();
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
    }
}
