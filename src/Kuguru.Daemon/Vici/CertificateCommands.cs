using System.Security.Cryptography;
using Kuguru.Engine;
using Kuguru.Pki;

namespace Kuguru.Daemon.Vici;

/// <summary>What loads, unloads and lists certificates, private keys and authorities. A message with any error changes nothing.</summary>
sealed class CertificateCommands(ControlLoop loop)
{
    public void Register(ViciServer server)
    {
        server.Command("load-cert", (call, _) => LoadCertificate(call.Request));
        server.Command("load-key", (call, _) => LoadKey(call.Request));
        server.Command("unload-key", (call, _) => UnloadKey(call.Request));
        server.Command("get-keys", async (_, _) => new ViciMessage { { "keys", await Ask(node => node.Certificates.Keys.Select(key => key.Key).ToList()) } });
        server.Command("get-authorities", (_, _) => Task.FromResult(new ViciMessage { { "authorities", (string[])[] } }));
        server.Command("list-authorities", (_, _) => Task.FromResult<ViciMessage>([]));
        server.Command("list-certs", (_, _) => Task.FromResult<ViciMessage>([]));
        server.Command("flush-certs", (_, _) => Task.FromResult(Reply.Success));
        server.Command("load-token", (_, _) => Task.FromResult(Reply.Failed("keys on tokens are not supported: load them from files")));
        foreach (var name in (string[])["load-authority", "unload-authority"])
            server.Command(name, (_, _) => Task.FromResult(Reply.Failed("certification authorities with URIs are not supported yet")));
    }

    /// <summary>A certificate in DER or PEM, of the type X509; its flag says whether it is an authority's.</summary>
    Task<ViciMessage> LoadCertificate(ViciMessage request)
    {
        if (request.Bytes("data") is not { IsEmpty: false } data)
            return Task.FromResult(Reply.Failed("certificate data missing"));
        if (!"x509".Equals(request["type"], StringComparison.OrdinalIgnoreCase))
            return Task.FromResult(Reply.Failed($"certificates of the type {request["type"]} are not supported yet: X509 is"));
        var flag = (request["flag"] ?? "none").ToUpperInvariant();
        if (flag is not ("NONE" or "CA"))
            return Task.FromResult(Reply.Failed($"certificates with the flag {flag} are not supported yet: NONE and CA are"));
        if (!Certificate.TryRead(data.Span, out var certificate, out var why))
            return Task.FromResult(Reply.Failed($"loading an {(flag == "CA" ? "authority's " : "")}X.509 certificate failed: {why}"));
        if (flag == "CA" && !certificate.IsAuthority)
            return Task.FromResult(Reply.Failed($"'{certificate.SubjectText}' is no authority: its basicConstraints do not say so; put it into x509"));
        return Ask(node =>
        {
            node.Certificates.Add(certificate);
            return Reply.Success;
        });
    }

    Task<ViciMessage> LoadKey(ViciMessage request)
    {
        if (request.Bytes("data") is not { IsEmpty: false } data)
            return Task.FromResult(Reply.Failed("key data missing"));
        if (KeyFile.IsEncrypted(data.Span))
            return Task.FromResult(Reply.Failed("the private key has a passphrase: give it in a secret of the types private, rsa, ecdsa or pkcs8"));
        var der = KeyFile.Decode(data.Span, out _);
        try
        {
            if (!PrivateKey.TryRead(der, out var key, out var why))
                return Task.FromResult(Reply.Failed($"loading a private key failed: {why}"));
            var type = request["type"]?.ToUpperInvariant() ?? "ANY";
            if (type is not ("ANY" or "PRIV" or "") && !type.Equals($"{key.Public.Kind}", StringComparison.OrdinalIgnoreCase))
                return Task.FromResult(Reply.Failed($"the private key is of the type {key.Public.Kind}, not {type}"));
            return Ask(node => new ViciMessage { { "success", "yes" }, { "id", node.Certificates.Add(key) } });
        }
        finally
        {
            CryptographicOperations.ZeroMemory(der);
        }
    }

    Task<ViciMessage> UnloadKey(ViciMessage request) => request["id"] is not { } id
        ? Task.FromResult(Reply.Failed("key id missing"))
        : Ask(node => node.Certificates.RemoveKey(id) ? Reply.Success : Reply.Failed($"private key not found: {id}"));

    Task<T> Ask<T>(Func<Node, T> question) => loop.Ask((node, _, _) => question(node));
}
