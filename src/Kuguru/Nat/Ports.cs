namespace Kuguru.Nat;

/// <summary>IANA's UDP ports of IKE; a host may listen on others (<c>charon.port</c>, <c>charon.port_nat_t</c>).</summary>
public static class Ports
{
    /// <summary>IKE without the non-ESP marker.</summary>
    public const ushort Ike = 500;

    /// <summary>IKE behind the non-ESP marker, and ESP in UDP (RFC 3948).</summary>
    public const ushort NatTraversal = 4500;
}
