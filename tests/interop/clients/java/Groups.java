import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;

import com.fasterxml.jackson.databind.JsonNode;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.common.KafkaFuture;

/** What the admin client says of a group. */
final class Groups {
    private Groups() {
    }

    static Object look(String bootstrap, JsonNode request) throws Exception {
        String group = request.get("group").textValue();
        Map<String, Object> answer = new TreeMap<>();
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            ConsumerGroupDescription described = await(admin.describeConsumerGroups(List.of(group)).all()).get(group);
            answer.put("state", described.groupState().toString());
            List<Collection<Integer>> members = new ArrayList<>();
            for (var member : described.members()) {
                var numbers = new TreeSet<Integer>();
                member.assignment().topicPartitions().forEach(partition -> numbers.add(partition.partition()));
                members.add(numbers);
            }
            answer.put("members", members);
            var offsets = new TreeMap<Integer, Long>();
            await(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata())
                .forEach((partition, offset) -> offsets.put(partition.partition(), offset.offset()));
            answer.put("offsets", offsets);
            if (request.get("delete").booleanValue())
                answer.put("deleted", Client.each(List.of(group), name -> await(admin.deleteConsumerGroups(List.of(name)).all())).get(group));
            answer.put("listed", await(admin.listGroups().all()).stream().map(GroupListing::groupId).anyMatch(group::equals));
        }
        return answer;
    }

    private static <T> T await(KafkaFuture<T> future) throws Exception {
        return future.get(Client.TIMEOUT_S, TimeUnit.SECONDS);
    }
}
