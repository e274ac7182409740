namespace Kuguru.Wire.V1;

/// <summary>Vendor IDs that change what a peer may be sent. Most are the MD5 of a text.</summary>
public static class VendorIds
{
    /// <summary>"RFC 3947".</summary>
    public static Blob Rfc3947 { get; } = Blob.FromHex("4a131c81070358455c5728f20e95452f");

    /// <summary>"draft-ietf-ipsec-nat-t-ike-03".</summary>
    public static Blob NatDraft03 { get; } = Blob.FromHex("7d9419a65310ca6f2c179d9215529d56");

    /// <summary>"draft-ietf-ipsec-nat-t-ike-02".</summary>
    public static Blob NatDraft02 { get; } = Blob.FromHex("cd60464335df21f87cfdb2fc68b6a448");

    /// <summary>The same text with a newline behind it, as many implementations have it.</summary>
    public static Blob NatDraft02Newline { get; } = Blob.FromHex("90cb80913ebb696e086381b5ec427b1f");

    /// <summary>RFC 3706, version 1.0.</summary>
    public static Blob DeadPeerDetection { get; } = Blob.FromHex("afcad71368a1f1c96b8696fc77570100");

    /// <summary>draft-ietf-ipsra-isakmp-xauth-06.</summary>
    public static Blob Xauth { get; } = Blob.FromHex("09002689dfd6b712");

    /// <summary>Cisco Unity; its last two octets are a version.</summary>
    public static Blob Unity { get; } = Blob.FromHex("12f5f28c457168a9702d9fe274cc0100");

    /// <summary>"FRAGMENTATION", with the capability to take fragments of phase 1 behind it; Microsoft's has none behind.</summary>
    public static Blob Fragmentation { get; } = Blob.FromHex("4048b7d56ebce88525e7de7f00d6c2d380000000");

    /// <summary>"MS NT5 ISAKMPOAKLEY" without the version that follows.</summary>
    public static Blob Microsoft { get; } = Blob.FromHex("1e2b516905991c7d7c96fcbfb587e461");

    const int HashSize = 16, UnityVersionAt = 14;
    const byte FragmentsTaken = 0x80;

    public static bool IsUnity(Blob id) => id.Length == HashSize && id.Span[..UnityVersionAt].SequenceEqual(Unity.Span[..UnityVersionAt]);

    public static bool IsMicrosoft(Blob id) => id.Length >= HashSize && id.Span[..HashSize].SequenceEqual(Microsoft);

    public static bool IsFragmentation(Blob id) => id.Length >= HashSize && id.Span[..HashSize].SequenceEqual(Fragmentation.Span[..HashSize])
        && (id.Length == HashSize || (id.Length == HashSize + 4 && (id.Span[HashSize] & FragmentsTaken) != 0));
}
