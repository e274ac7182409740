using System.Security.Cryptography;
using Kuguru.Wire;

namespace Kuguru.Nat;

/// <summary>What NAT_DETECTION_SOURCE_IP and NAT_DETECTION_DESTINATION_IP carry (RFC 7296 section 2.23).</summary>
public static class NatDetection
{
    /// <summary>
    /// SHA-1(SPIi | SPIr | IP | Port), 20 octets. In a first request the responder's SPI is 0. Address and port are those that the
    /// sender believes in, or that the receiver sees.
    /// </summary>
    public static Blob Hash(IkeSpi initiator, IkeSpi responder, Endpoint endpoint)
    {
        var w = new WireWriter(8 + 8 + 16 + 2);
        w.U64(initiator.Value);
        w.U64(responder.Value);
        w.Address(endpoint.Address);
        w.U16(endpoint.Port);
        return SHA1.HashData(w.Written);
    }
}
