namespace Kuguru.Tests.Wire;

/// <summary>Real packets by name, for the tests of headers and checksums.</summary>
static class PacketVectors
{
    /// <summary>A plaintext packet of DPDK's IPsec tests.</summary>
    public static byte[] Dpdk(string name) => Capture.Octets(
        Vectors.Json("dpdk/ipsec-packets.json").GetProperty("vectors").EnumerateArray().Single(v => v.GetProperty("name").GetString() == name),
        "input_ip_packet");

    /// <summary>A frame of PcapPlusPlus without its Ethernet header.</summary>
    public static byte[] PcapPlusPlus(string name) => Capture.Octets(
        Vectors.Json("pcapplusplus/frames.json").GetProperty("vectors").EnumerateArray().Single(v => v.GetProperty("name").GetString() == name),
        "ethernet_frame")[14..];

    /// <summary>The IP packets of a capture.</summary>
    public static IEnumerable<byte[]> Of(string capture) => new Capture(Vectors.Json(capture)).Frames
        .Where(frame => frame.TryGetProperty("ip_packet", out _)).Select(frame => Capture.Octets(frame, "ip_packet"));
}
