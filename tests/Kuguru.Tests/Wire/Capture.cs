using System.Text.Json;

namespace Kuguru.Tests.Wire;

/// <summary>The frames of a capture that was split into JSON: what its origin and tshark say about each is beside the octets.</summary>
sealed class Capture(JsonElement file)
{
    public IReadOnlyList<JsonElement> Frames { get; } = [.. file.GetProperty("packets").EnumerateArray()];

    /// <summary>The frames that the index calls IKE of this version ("1.0" or "2.0"), as UDP payloads without marker.</summary>
    public IEnumerable<(byte[] Message, JsonElement Header)> Ike(string version) =>
        from frame in Frames
        where frame.TryGetProperty("ike_header", out var header) && header.GetProperty("version").GetString() == version
        let payload = Octets(frame, "udp_payload")
        select (frame.GetProperty("class").GetString() == "ike-nonesp" ? payload[4..] : payload, frame.GetProperty("ike_header"));

    /// <summary>UDP payloads that were sent in IPv4 fragments, put together, in the order in which they were sent.</summary>
    public IEnumerable<byte[]> Reassembled() =>
        from frame in Frames
        where frame.TryGetProperty("fragment", out _)
        group frame by frame.GetProperty("fragment").GetProperty("id").GetInt32() into fragments
        let inOrder = fragments.OrderBy(fragment => fragment.GetProperty("fragment").GetProperty("offset").GetInt32())
        select inOrder.SelectMany(fragment => Octets(fragment, "ip_packet")[20..]).Skip(8).ToArray();

    public static byte[] Octets(JsonElement frame, string name) => Convert.FromHexString(frame.GetProperty(name).GetString()!);
}

/// <summary>tshark's dissection of one frame, where fields are asked for by name wherever in the tree they stand, in their order.</summary>
sealed class Dissection(JsonElement root)
{
    public static IEnumerable<Dissection> Of(JsonElement file) =>
        file.GetProperty("packets").EnumerateArray().Where(p => p.TryGetProperty("isakmp", out _))
            .Select(p => new Dissection(p.GetProperty("isakmp")));

    /// <summary>All values of a field; a star at the end stands for the rest of its name.</summary>
    public IEnumerable<string> All(string field) => field.EndsWith('*')
        ? Walk(root).Where(found => found.Name.StartsWith(field[..^1], StringComparison.Ordinal)).Select(found => found.Value)
        : Walk(root).Where(found => found.Name == field).Select(found => found.Value);

    public IEnumerable<int> Numbers(string field) => All(field).Select(int.Parse);

    /// <summary>Fields of octets, which tshark prints with colons.</summary>
    public IEnumerable<Blob> Octets(string field) => All(field).Select(text => Blob.FromHex(text.Replace(":", "")));

    /// <summary>Only what stands at the top: the types of the payloads of the message, not of what is inside them.</summary>
    public IEnumerable<int> Payloads => Values(root.GetProperty("isakmp.typepayload")).Select(int.Parse);

    static IEnumerable<(string Name, string Value)> Walk(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(p => Values(p.Value).Select(value => (p.Name, value)).Concat(Walk(p.Value))),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Walk),
        _ => [],
    };

    static IEnumerable<string> Values(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => [element.GetString()!],
        JsonValueKind.Array => element.EnumerateArray().Where(e => e.ValueKind == JsonValueKind.String).Select(e => e.GetString()!),
        _ => [],
    };
}
