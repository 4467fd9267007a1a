// A request by Java's own HttpClient, which asks for HTTP/2 by an Upgrade in the request itself.
//   java Ask.java URL ONSET APEX  prints the status and the body

import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;

public class Ask {
    public static void main(String[] arguments) throws Exception {
        String boundary = "a-boundary-of-java";
        var form = new ByteArrayOutputStream();
        for (int index = 0; index < 2; index++) {
            String name = index == 0 ? "onset" : "apex";
            String head = "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + name
                + "\"; filename=\"" + name + ".jpg\"\r\nContent-Type: image/jpeg\r\n\r\n";
            form.write(head.getBytes());
            form.write(Files.readAllBytes(Path.of(arguments[1 + index])));
            form.write("\r\n".getBytes());
        }
        form.write(("--" + boundary + "--\r\n").getBytes());
        var request = HttpRequest.newBuilder(URI.create(arguments[0]))
            .header("Content-Type", "multipart/form-data; boundary=" + boundary)
            .POST(HttpRequest.BodyPublishers.ofByteArray(form.toByteArray()))
            .build();
        var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        System.out.println(answer.statusCode() + " " + answer.body());
    }
}
